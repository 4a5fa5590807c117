"""The head of AVH-Align on frozen AV-HuBERT features, trained on the reals of AV-Deepfake1M.

    avsync-extract --encoder=avhubert --weights=weights/avhubert --dataset=av_deepfake1m \\
        --data_dir=data --out_name=av1m_avhubert --trim=leading
    avsync-train --config=configs/avh_align.py --workdir=runs/avh_align
    avsync-train --config=configs/avh_align.py:official --workdir=runs/avh_align_official

The second command trains as avsync does by default: random windows of clips in random order, the
mean loss, nothing to choose beyond the ends of a clip, AdamW with warm-up and a cosine, 20 epochs.
The third is the paper's recipe (Smeu et al., CVPR 2025): all frames in the order on disk, 1,024 to
an update, the sum of their losses, zero vectors beyond the ends of a clip, Adam at 1e-5, ten times
less after 6 validations that were no better, an end after 10, or 500 epochs. To go on from a
published head: --config.train.init_from=WORKDIR, as avsync-convert wrote it.

45,000 clips, 114 h, are 114 * 3,600 * 25 = 10.3 M frames, 42 GB in bfloat16. A frame costs 6.7 M
multiply-adds forward, 40 MFLOP with the gradient. Default: 45,000 / 32 = 1,407 updates an epoch of
32 * 100 frames, 90 M frames and 3.6e15 FLOP in all; official: 10.3 M / 1,024 = 10,019 updates and
4.1e14 FLOP an epoch. Two CPU cores at 100 GFLOP/s need 10 h for the default and 1.1 h for an epoch
of the official one; on a GPU the disk is the limit, at 1 GB/s 42 s an epoch.

Expect 3.43 nats a frame, ln 31, at chance; the paper's code went from 1.71 after the first epoch to
1.05 on another corpus of 3,000 clips. Published for the official recipe, leading silence trimmed:
an AUC of 0.852 on the test split of AV-Deepfake1M.
"""

from avsync.config import Config, default


def get_config(arg: str = "") -> Config:
    """`:official` is the paper's recipe; `:test` and `:official_test` are small, for tests."""
    if arg not in ("", "test", "official", "official_test"):
        raise ValueError(
            f"configs/avh_align.py knows no variant {arg!r}; only 'official', 'test' and "
            "'official_test'"
        )
    config = default()
    config.data.dataset = "av1m_avhubert"
    config.model.visual.name = config.model.audio.name = "precomputed"
    config.model.head.name = "fusion_mlp"
    config.train.log_every = 100
    if arg.startswith("official"):
        _official(config)
    else:
        _ours(config)
    if arg.endswith("test"):
        config.data.update(batch_size=4, window_frames=20, frames_per_batch=64)
        config.model.head.update(projection=8, widths=(16, 8, 8))
        config.optim.update(learning_rate=1e-2, warmup_steps=0, plateau_patience=1)
        config.train.update(num_epochs=4, log_every=1)
    return config


def _ours(config: Config) -> None:
    config.data.update(batch_size=32, window_frames=100)
    config.optim.update(learning_rate=3e-4, warmup_steps=500)
    config.train.num_epochs = 20


def _official(config: Config) -> None:
    config.data.update(order="file", frames_per_batch=1024)
    config.model.edges = "official"
    config.optim.update(name="adam", learning_rate=1e-5, weight_decay=0.0, max_gradient_norm=0.0)
    config.optim.update(schedule="plateau", warmup_steps=0)
    config.optim.update(plateau_factor=0.1, plateau_patience=5)
    config.train.update(reduction="sum", num_epochs=500, early_stop_validations=10)
    config.score.update(frame="logit", pooling="logsumexp")
