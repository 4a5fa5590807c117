"""Every field of a config, with its default. The files in configs/ change some of them.

Nothing heavy is imported: reading a config, and --help, must not wait for TensorFlow or JAX. The
fields of encoders and heads are read from their source (`lookup.fields`), so that each default is
written once and a new encoder remains one new file.

The comment at a field is its description in the table of configs/README.md.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_collections import ConfigDict

from avsync import lookup
from avsync.config.files import ArgumentError
from avsync.config.values import typed
from avsync.pp.augmentation import STRANGERS, Augmentation

if TYPE_CHECKING:
    # The type of a field is known at run time only; the stub declares a union of seven types.
    Config = Any
else:
    Config = ConfigDict


class PlugIns(NamedTuple):
    """The plug-ins that a section of the config can name, and the class that has the fields."""

    kind: str
    package: str
    class_name: str

    def names(self) -> list[str]:
        """The known names."""
        return lookup.names(self.package)

    def fields(self, name: str) -> dict[str, lookup.Field]:
        """The fields of plug-in `name`; ValueError lists the known names if there is none."""
        lookup.require(self.kind, name, self.names())
        return dict(lookup.fields(self.package, name, self.class_name))


ENCODERS = PlugIns("encoder", "models.encoders", "Encoder")
HEADS = PlugIns("head", "models.heads", "Head")

# Sections whose fields are those of the plug-in that they name.
PLUG_INS = {"model.visual": ENCODERS, "model.audio": ENCODERS, "model.head": HEADS}


def default() -> Config:
    """All fields with their defaults."""
    config: Config = ConfigDict()
    # Seed of the initial parameters, the order of clips and their augmentation.
    config.seed = 0

    config.data = data = ConfigDict()
    # Name of a prepared dataset, "NAME" or "NAME/CONFIG"; "" with a mixture.
    data.dataset = "synthetic_talkers"
    # Several datasets instead of data.dataset, with the weight of each: its share of the rows of
    # the batches, such as {'grid': 1.0, 'synthetic_talkers': 0.5} for two thirds and one third.
    data.mixture = ConfigDict()
    # How clips are drawn from each dataset: "clip", all equally often, or "identity", first a
    # talker, then one of their clips; a clip of an unknown talker counts as a talker of its own.
    data.balance = "clip"
    # Folder of the prepared datasets, or its address in an object store (s3://…, gs://…).
    data.data_dir = "data"
    # The split to train on. The alignment loss needs one that its dataset declares real only.
    data.train_split = "train"
    # The split whose loss chooses the best checkpoint.
    data.val_split = "val"
    # "shuffled": windows of clips in random order. "file": all frames of extracted features in the
    # order on disk, across the borders of clips, as in the paper's code (one process only).
    data.order = "shuffled"
    # Clips per update and per validation step, over all devices of all hosts.
    data.batch_size = 8
    # Frames of each training window, at 25 fps; order "shuffled" only.
    data.window_frames = 75
    # Frames per update, over all devices; order "file" only.
    data.frames_per_batch = 1024
    # How silence is trimmed from training clips: "none", "leading" (the paper's rule), "both_ends",
    # "energy" (librosa's bounds), or "jitter" ("leading" and a few random frames more).
    data.trim = "leading"

    # Its fields, and what they mean, are those of `Augmentation`.
    data.augmentation = ConfigDict(Augmentation()._asdict())

    data.pseudo_fakes = pseudo_fakes = ConfigDict()
    # Loss "pseudo_fake": fraction of the clips whose lips and sound are moved for moments: in half
    # of them together, in the other half, the pseudo-fakes, against each other.
    pseudo_fakes.share = 0.5
    # Relative frequency of clips blended with themselves, 1 or 2 frames away, in windows of about a
    # second.
    pseudo_fakes.blend = 1.0
    # Relative frequency of clips with a moment of 1 to 10 frames replaced by another one of them.
    pseudo_fakes.splice = 1.0

    data.gates = gates = ConfigDict()
    # "drop" or "shift" real clips that are out of sync according to sync_scores, or "keep" them;
    # "shift_corpus" shifts all clips of a dataset by the offset that its real clips share, if sure.
    gates.sync = "keep"
    # The scores.jsonl of an evaluation of the training split; for all of sync but "keep". With a
    # mixture, the folder that has NAME/TRAIN_SPLIT/scores.jsonl of each dataset.
    gates.sync_scores = ""
    # Offsets up to this many frames count as in sync; for sync "drop" and "shift".
    gates.sync_tolerance_frames = 1
    # A clip is out of sync only if it fits this much better at its offset, in nats per frame.
    gates.sync_margin = 0.5
    # Clips whose eyes are closer than this in the raw video are dropped; 0: none.
    gates.min_eye_distance_pixels = 0.0
    # "drop" clips that occur again under another name, or "keep" them.
    gates.duplicates = "keep"

    config.model = model = ConfigDict()
    # Encoder of the mouth crops; it brings its own fields.
    model.visual = encoder("lip_patch")
    # Encoder of the sound; it brings its own fields.
    model.audio = encoder("mel_conv")
    # Alignment head; it brings its own fields.
    model.head = head("cosine")
    # Candidate audio frames on each side of a video frame; 15 frames are 0.6 s.
    model.reach_frames = 15
    # Candidates beyond the ends of a clip: "masked", or "official": zero vectors that compete with
    # the others, as in the paper's code.
    model.edges = "masked"
    # Type of activations, "float32" or "bfloat16"; sums, norms and softmax are always float32.
    model.dtype = "float32"

    config.optim = optimiser = ConfigDict()
    # "adamw" or "adam".
    optimiser.name = "adamw"
    # Learning rate after the warm-up: "cosine" to 0, "constant", or "plateau" (lower when
    # validations stop improving).
    optimiser.schedule = "cosine"
    # Peak learning rate.
    optimiser.learning_rate = 2e-3
    # Updates of linear warm-up from 0.
    optimiser.warmup_steps = 100
    # Schedule "plateau": factor by which the learning rate drops.
    optimiser.plateau_factor = 0.1
    # Schedule "plateau": the rate drops after more than this many validations without improvement.
    optimiser.plateau_patience = 5
    # Decoupled weight decay of "adamw"; biases, norms and scales have none.
    optimiser.weight_decay = 1e-2
    # Gradients are clipped to this norm; 0: never.
    optimiser.max_gradient_norm = 1.0
    # Factor of the learning rate per layer of an encoder, from the top down: the top block of a
    # transformer has this one, the next its square, …; an encoder without blocks is one layer. The
    # head has the full rate. 1: all have it.
    optimiser.layer_decay = 1.0
    # Decay of a moving average of the parameters that replaces them in validation and evaluation;
    # 0: none.
    optimiser.ema_decay = 0.0

    config.train = train = ConfigDict()
    # A workdir or checkpoint whose parameters the training starts from, or "PART=CHECKPOINT,…" for
    # some parts of the model ("encoder", "visual_encoder", "audio_encoder", "head"); all other
    # parameters are random.
    train.init_from = ""
    # Parameters that stay as they are, by path: "encoder", or "encoder,!PATH" for all of it but
    # PATH, such as "encoder.transformer.blocks[-2:]", its last two blocks; "": none.
    train.freeze = ""
    # "alignment" (real clips only), "pseudo_fake" (the same, and to tell pseudo-fakes made of real
    # clips), or "supervised" (the baseline trained on labels).
    train.loss = "alignment"
    train.pseudo_fakes = pseudo_fakes = ConfigDict()
    # Loss "pseudo_fake": weight of telling which clips are pseudo-fakes.
    pseudo_fakes.clip_weight = 1.0
    # Loss "pseudo_fake": weight of telling which of their frames are forged.
    pseudo_fakes.frame_weight = 1.0
    # The loss of a batch is the "mean" or the "sum" over its frames.
    train.reduction = "mean"
    # Each device processes its share of a batch in this many parts, one after the other: the memory
    # of one part, the update of the whole batch.
    train.grad_accum_steps = 1
    # "cheap" recomputes all but products and convolutions in the backward pass, to save memory;
    # "none" keeps everything.
    train.remat = "none"
    # Each frame also chooses among the sounds of this many clips on each side in the batch.
    train.reach_clips = 0
    # Updates of the whole training.
    train.num_steps = 1000
    # Updates between reports of the training loss.
    train.log_every = 20
    # Updates between validations; each ends with a checkpoint.
    train.checkpoint_every = 200
    # If not 0, training lasts this many epochs and validates after each; num_steps and
    # checkpoint_every are ignored. A shuffled epoch is one window of every clip, rounded up to
    # whole batches; of a mixture, as many windows as all its datasets have clips together.
    train.num_epochs = 0
    # Training ends early after this many validations in a row without a new best; 0: never.
    train.early_stop_validations = 0

    config.score = score = ConfigDict()
    # Frame score: "nll", "near_nll" (offsets of a frame cost nothing; verdicts on files use it),
    # "logit" (the paper's) or "fake_logit" (of the supervised baseline).
    score.frame = "nll"
    # How frame scores are pooled to the clip score: "logmeanexp", "logsumexp" (the paper's, which
    # grows with the length of the clip), "mean", "top_k", "percentile" or "window".
    score.pooling = "logmeanexp"
    return config


def encoder(name: str, **fields: Any) -> Config:
    """The section of an encoder, for config.model.visual or config.model.audio.

    It holds all fields of the encoder: `fields`, and the defaults of the others. ValueError names
    an unknown encoder or field, or a value of another type.
    """
    return plug_in(ENCODERS, name, fields, place=f"encoder {name!r}")


def head(name: str, **fields: Any) -> Config:
    """The section of an alignment head, for config.model.head; like `encoder`."""
    return plug_in(HEADS, name, fields, place=f"head {name!r}")


def plug_in(plug_ins: PlugIns, name: str, fields: dict[str, Any], *, place: str) -> Config:
    """The section of plug-in `name`: `fields`, and the defaults of the others.

    ValueError names an unknown plug-in, an unknown field of `place`, or a value of another type.
    """
    known = plug_ins.fields(name)
    for field in fields:
        if field not in known:
            raise ValueError(
                lookup.unknown(f"field of {place}", field, list(known)) + _owners(plug_ins, field)
            )
    values = {
        field: typed(f"{place}: {field}", fields[field], like=default, annotation=annotation)
        if field in fields
        else default
        for field, (default, annotation, _) in known.items()
    }
    return ConfigDict({"name": name, **values})


def make_supervised(config: Config) -> None:
    """Turns `config` into that of its supervised baseline: same encoders and head, with labels.

    This is the baseline that learns shortcuts (AVH-Align/sup, Smeu et al. 2025): it trains on whole
    clips, silence included, and its logit stands for "fake".
    """
    config.data.update(train_split="train_labelled", val_split="val_labelled", trim="none")
    config.train.loss = "supervised"
    config.score.update(frame="fake_logit", pooling="logsumexp")


def make_strangers(config: Config) -> None:
    """Turns `config` into one for talkers and recordings that it never sees: it augments strongly.

    Every op of `pp/augment` is on; `config.data.augmentation.probability` is how often.
    """
    config.data.augmentation = ConfigDict(STRANGERS._asdict())


def require_variant(variant: str, known: Sequence[str]) -> str:
    """`variant`, the ARG of --config=NAME:ARG, checked; "" stands for the config itself."""
    if variant and variant not in known:
        raise ArgumentError(lookup.unknown("variant", variant, [name for name in known if name]))
    return variant


def _owners(plug_ins: PlugIns, field: str) -> str:
    owners = [name for name in plug_ins.names() if field in plug_ins.fields(name)]
    return f" It is a field of {' and '.join(owners)}: choose the name too." if owners else ""
