"""The head of AVH-Align on frozen AV-HuBERT features, trained on real clips of AV-Deepfake1M.

    avsync-extract --encoder=avhubert --weights=weights/avhubert --dataset=av_deepfake1m \\
        --data_dir=data --out_name=av1m_avhubert --trim=leading
    avsync-train --config=avh_align --workdir=runs/avh_align
    avsync-train --config=avh_align:official --workdir=runs/avh_align_official

The first training uses avsync's own recipe: random windows of clips in random order, the mean loss,
candidates beyond the ends of a clip masked, AdamW with warm-up and a cosine schedule, 20 epochs.
The second uses the paper's recipe (Smeu et al., CVPR 2025): all frames in the order on disk, 1,024
per update, the sum of their losses, zero vectors beyond the ends of a clip, and Adam at 1e-5. After
6 validations without improvement the rate drops tenfold; training ends after 10, or after 500
epochs. --config.train.init_from=WORKDIR starts from a published head that avsync-convert wrote.

45,000 clips, 114 h, are 114 * 3,600 * 25 = 10.3 M frames, 42 GB in bfloat16. A frame costs 6.7 M
multiply-adds forward, 40 MFLOP with the gradient. Default: 45,000 / 32 = 1,407 updates per epoch of
32 * 100 frames, 90 M frames and 3.6e15 FLOP in all. Official: 10.3 M / 1,024 = 10,019 updates and
4.1e14 FLOP per epoch. Two CPU cores at 100 GFLOP/s need 10 h for the default and 1.1 h for an epoch
of the official recipe; on a GPU the disk is the limit: 42 s per epoch at 1 GB/s.

Two more variants train on raw clips, without extracted features:

    avsync-train --config=avh_align:clips --weights=weights/avhubert --workdir=runs/clips \\
        --config.data.dataset=av_deepfake1m
    avsync-train --config=avh_align:finetune --weights=weights/avhubert --workdir=runs/finetune \\
        --config.train.init_from=runs/avh_align --config.data.dataset=av_deepfake1m

`:clips` is the first recipe with the encoder in the model, frozen: no disk for features, and every
window is augmented and encoded by itself, at 1.8 GFLOP per frame: 90 M frames are 1.6e17 FLOP, half
an hour at 100 TFLOP/s, or 450 h of two CPU cores. `:finetune` trains the last two of the 24 blocks
of the encoder too, at a lower rate. Neither has been run on AV-Deepfake1M.

Expect 3.43 nats per frame, ln 31, at chance. The paper's code went from 1.71 after the first epoch
to 1.05 on another corpus of 3,000 clips. Published for the official recipe, leading silence
trimmed: an AUC of 0.852 on the test split of AV-Deepfake1M.
"""

from avsync.config import Config, default, encoder, head, require_variant

VARIANTS = (
    "official",
    "clips",
    "finetune",
    "test",
    "official_test",
    "clips_test",
    "finetune_test",
)

# All of the encoder but its last two blocks and the norm above them.
ALL_BUT_LAST_BLOCKS = "encoder,!encoder.transformer.blocks[-2:],!encoder.transformer.final_norm"


def get_config(arg: str = "") -> Config:
    """`:official` is the paper's recipe; `:clips` and `:finetune` read raw clips.

    The `:test` variants train within seconds.
    """
    variant = require_variant(arg, VARIANTS)
    config = default()
    config.data.dataset = "av1m_avhubert"
    config.model.visual = encoder("precomputed")
    config.model.audio = encoder("precomputed")
    config.model.head = head("fusion_mlp")
    config.train.log_every = 100
    if variant.startswith("official"):
        _use_official_recipe(config)
    elif variant.startswith(("clips", "finetune")):
        _use_own_recipe(config)
        _use_clips(config)
        if variant.startswith("finetune"):
            _finetune(config)
    else:
        _use_own_recipe(config)
    if variant.endswith("test"):
        config.data.update(batch_size=4, window_frames=20, frames_per_batch=64)
        config.model.head = head("fusion_mlp", projection=8, widths=(16, 8, 8))
        config.optim.update(learning_rate=1e-2, warmup_steps=0, plateau_patience=1)
        config.train.update(num_epochs=4, log_every=1)
        if config.train.freeze:
            _shrink_encoder(config)
    return config


def _use_own_recipe(config: Config) -> None:
    config.data.update(batch_size=32, window_frames=100)
    config.optim.update(learning_rate=3e-4, warmup_steps=500)
    config.train.num_epochs = 20


def _use_official_recipe(config: Config) -> None:
    config.data.update(order="file", frames_per_batch=1024)
    config.model.edges = "official"
    config.optim.update(name="adam", learning_rate=1e-5, weight_decay=0.0, max_gradient_norm=0.0)
    config.optim.update(schedule="plateau", warmup_steps=0)
    config.optim.update(plateau_factor=0.1, plateau_patience=5)
    config.train.update(reduction="sum", num_epochs=500, early_stop_validations=10)
    config.score.update(frame="logit", pooling="logsumexp")


def _use_clips(config: Config) -> None:
    config.data.dataset = "av_deepfake1m"
    config.model.visual = encoder("avhubert", modality="both")
    config.model.audio = encoder("shared")
    config.model.dtype = "bfloat16"
    config.train.freeze = "encoder"


def _finetune(config: Config) -> None:
    config.train.freeze = ALL_BUT_LAST_BLOCKS
    config.model.visual.remat = "blocks"
    # A tenth of the rate from scratch: the head is trained already.
    config.optim.update(learning_rate=3e-5, layer_decay=0.75)
    config.train.num_epochs = 2


def _shrink_encoder(config: Config) -> None:
    config.data.dataset = "synthetic_talkers/tiny"
    config.data.update(batch_size=2)
    config.model.dtype = "float32"
    config.model.visual.update(embedding=128, feed_forward=256, num_heads=2, num_layers=2)
    config.train.freeze = config.train.freeze.replace("[-2:]", "[-1:]")
    config.train.update(num_epochs=0, num_steps=4, checkpoint_every=2)
