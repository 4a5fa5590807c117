"""What pods would do, computed: operations, bytes, input and exchange of each job, on paper.

    python -m tests.benchmarks.roofline                  # the tables of launch/README.md

Nothing here is measured but the rate at which a core decodes crops. Operations are counted in the
program (avsync.train.flops), those of extraction by formula (extraction.py); bytes by XLA's cost
analysis of the program compiled for the CPU in float32, loops unrolled. In bfloat16 they are taken
to be half. GPUs and TPUs fuse more, so that bytes are an upper estimate. Step times are those of a
roofline: the longer of operations at the peak of bfloat16 and bytes at the bandwidth of the memory.
"""

import argparse
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from unittest import mock

import jax

from avsync import markdown
from avsync.config import Config, default, files
from avsync.models.heads import fusion_mlp
from avsync.train.flops import count_flops
from avsync.types import Extraction
from tests.benchmarks import extraction
from tests.benchmarks.finetune_memory import batch_like, make_update, size

# Frames per CPU second that are decoded from PNG, of crops of 96 x 96 pixels (input_pipeline.py).
PNG_FRAMES_PER_CORE = 4800
JPEG_SPEED, RAW_SPEED = 2.3, 3.4  # of reading such crops over decoding them from PNG
DISK_BYTES_PER_SECOND = 1e9  # of a host, from shared storage
FEATURE_CHANNELS = 1024
FEATURE_BYTES = 2 * 2 * FEATURE_CHANNELS  # both streams in bfloat16, a frame


class Machine(NamedTuple):
    """Devices of one kind, by their data sheets.

    peak: operations per second in bfloat16; bandwidth: bytes per second of the memory.
    link: bytes per second that a device sends in a ring of all: NVLink within a host, its network
      card between hosts, two links of a torus.
    cores: physical cores of the host for each device.
    """

    name: str
    num_devices: int
    devices_per_host: int
    peak: float
    bandwidth: float
    link: float
    cores: float


# Hosts as the cloud rents them: 104 cores with eight H100, 56 with four v5e.
MACHINES = (
    Machine("1 H100", 1, 1, 989e12, 3.35e12, 450e9, 13),
    Machine("8 H100", 8, 8, 989e12, 3.35e12, 450e9, 13),
    Machine("64 H100", 64, 8, 989e12, 3.35e12, 50e9, 13),
    Machine("v5e-64", 64, 4, 197e12, 0.819e12, 90e9, 14),
)


class Job(NamedTuple):
    """A job on one device, per step of `num_frames` frames.

    flops, bytes_moved: of the step, bytes in float32; exchanged: bytes of gradients, float32.
    reads: "crops" or "features".
    """

    name: str
    num_frames: int
    flops: float
    bytes_moved: float
    exchanged: float
    reads: str


def main(arguments: Sequence[str] | None = None) -> list[Job]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", nargs="*", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--decode", type=float, default=PNG_FRAMES_PER_CORE, help="frames per core")
    parser.add_argument("--disk", type=float, default=DISK_BYTES_PER_SECOND, help="bytes per s")
    parser.add_argument("--tiny", action="store_true", help="sizes to try the script with")
    args = parser.parse_args(arguments)
    jobs = [JOBS[name](args.tiny) for name in args.jobs]
    print(markdown.table(JOB_HEAD, [job_cells(job) for job in jobs], numbers=True))
    rows = [
        (job.name, *machine_cells(job, machine, decode=args.decode, disk=args.disk))
        for job in jobs
        for machine in MACHINES
    ]
    print(f"\n{markdown.table(MACHINE_HEAD, rows)}")
    return jobs


JOB_HEAD = (
    "computed, per device",
    "frames a step",
    "MFLOP a frame",
    "kB moved a frame, float32",
    "FLOP a byte, bfloat16",
    "gradients exchanged a step, MB",
    "input a frame, kB",
)

MACHINE_HEAD = (
    "computed",
    "machine",
    "step, ms",
    "limit of the step",
    "all-reduce, ms",
    "needed, frames/s a host",
    "one host feeds",
    "what binds",
    "set",
)


def job_cells(job: Job) -> tuple[str, ...]:
    intensity = job.flops / (job.bytes_moved / 2)
    read = FEATURE_BYTES if job.reads == "features" else 4_500
    return (
        job.name,
        f"{job.num_frames:,}",
        f"{job.flops / job.num_frames / 1e6:,.1f}",
        f"{job.bytes_moved / job.num_frames / 1e3:,.0f}",
        f"{intensity:,.0f}",
        f"{job.exchanged / 1e6:,.1f}" if job.exchanged else "none",
        f"{read / 1e3:.1f}",
    )


def machine_cells(job: Job, machine: Machine, *, decode: float, disk: float) -> tuple[str, ...]:
    computing, moving = job.flops / machine.peak, job.bytes_moved / 2 / machine.bandwidth
    step = max(computing, moving)
    # A ring: each device sends and receives every gradient nearly twice.
    share = 2 * (machine.num_devices - 1) / machine.num_devices
    exchange = share * job.exchanged / machine.link
    # The exchange overlaps with the backward pass, two thirds of the step.
    seconds = max(step, step / 3 + exchange)
    needed = machine.devices_per_host * job.num_frames / seconds
    is_crops = job.reads == "crops"
    fed = decode * machine.cores * machine.devices_per_host if is_crops else disk / FEATURE_BYTES
    binds = "input" if needed > fed else "exchange" if seconds > step else limit(computing, moving)
    return (
        machine.name,
        f"{1e3 * step:.2f}",
        limit(computing, moving),
        f"{1e3 * exchange:.2f}" if exchange else "none",
        f"{needed:,.0f}",
        f"{fed:,.0f} ({needed / fed:.2g} times this is needed)" if needed > fed else f"{fed:,.0f}",
        binds,
        input_setting(job.reads, needed / fed) if binds == "input" else SETTINGS[binds],
    )


def limit(computing: float, moving: float) -> str:
    return "operations" if computing > moving else "memory"


SETTINGS = {
    "exchange": "more clips per device: `data.batch_size`, `train.grad_accum_steps`",
    "operations": "`model.dtype=bfloat16`; more devices help",
    "memory": "`model.dtype=bfloat16`, no `train.remat`; larger batches do not help",
}


def input_setting(reads: str, times: float) -> str:
    """What to set where `times` as many frames are needed as a host feeds."""
    if reads == "features":
        return "features on local disks of each host; more devices do not help beyond"
    if times <= JPEG_SPEED:
        return "`avsync-prepare --storage=jpeg95`, or `raw`"
    if times <= RAW_SPEED:
        return "`avsync-prepare --storage=raw`"
    return f"`avsync-prepare --storage=raw`, {RAW_SPEED} times as fast; more devices do not help"


def head_training(tiny: bool) -> Job:
    config = files.run(files.CONFIG, "avh_align:test" if tiny else "avh_align")
    num_channels = 16 if tiny else FEATURE_CHANNELS
    channels = {"visual": num_channels, "audio": num_channels}
    return training("head training", config, Extraction("leading", "", channels))


def aligner_training(tiny: bool) -> Job:
    config = files.run(files.CONFIG, "quickstart:test") if tiny else default()
    config.data.batch_size = 2 if tiny else 64
    return training("small aligner training", config)


def finetuning(tiny: bool) -> Job:
    """Of a block more and a block less, both frozen, since unrolled blocks compile slowly."""

    def job(num_layers: int) -> Job:
        config = files.run(
            files.CONFIG, "avh_align:finetune_test" if tiny else "avh_align:finetune"
        )
        config.data.update(batch_size=2 if tiny else 16, window_frames=10 if tiny else 75)
        config.model.visual.num_layers = num_layers
        config.model.dtype = "float32"
        return training("fine-tuning, AV-HuBERT Large", config)

    return extrapolated(job, fewest=3, num_layers=4 if tiny else 24)


def extracting(tiny: bool, *, name: str) -> Job:
    """Both streams, 2,048 frames at once."""
    sizes = (
        {"embedding": 64, "feed_forward": 64, "num_heads": 2} if tiny else extraction.SIZES[name]
    )
    rows, clip_frames = (1, 10) if tiny else (27, 75)

    def job(num_layers: int) -> Job:
        flops = moved = 0.0
        args = argparse.Namespace(dtype="float32")
        model = extraction.make_model(args, **{**sizes, "num_layers": num_layers})
        for stream in ("visual", "audio"):
            # No parameter is made: only shapes are needed.
            extract, init = extraction.make_functions(model, stream)
            # By formula: the program also names the front end of the other stream, which the
            # compiler leaves out.
            clip_flops = clip_frames * extraction.frame_flops(model, stream, clip_frames)
            flops += rows * clip_flops
            params = jax.eval_shape(init, jax.random.key(0), extraction.like(4))["params"]
            batch = jax.tree.map(
                lambda x: jax.ShapeDtypeStruct((rows, *x.shape[1:]), x.dtype),
                extraction.like(clip_frames),
            )
            moved += bytes_moved(jax.jit(extract), params, batch)
        title = f"extraction, AV-HuBERT {name.capitalize()}"
        return Job(title, rows * clip_frames, flops, moved, exchanged=0, reads="crops")

    layers = 12 if name == "base" else 24
    return extrapolated(job, fewest=1, num_layers=3 if tiny else layers)


def training(name: str, config: Config, features: Extraction | None = None) -> Job:
    """A step of `config` on one device, which has a whole batch of it."""
    num_clips, num_frames = config.data.batch_size, config.data.window_frames
    update = make_update(config, features)
    batch = batch_like(num_clips, data_frames=num_frames, extraction=features)
    return Job(
        name,
        num_clips * num_frames,
        sum(count_flops(update.step, update.state, batch).values()),
        bytes_moved(update.step, update.state, batch),
        exchanged=size(update.trained),
        reads="features" if features else "crops",
    )


def extrapolated(job: Callable[[int], Job], *, fewest: int, num_layers: int) -> Job:
    """The job of `num_layers` blocks, from those of `fewest` blocks and of one block more."""
    few, more = job(fewest), job(fewest + 1)
    blocks = num_layers - fewest
    return few._replace(
        flops=few.flops + blocks * (more.flops - few.flops),
        bytes_moved=few.bytes_moved + blocks * (more.bytes_moved - few.bytes_moved),
    )


def bytes_moved(program: Any, *inputs: Any) -> float:
    """XLA's count for the program with its loops unrolled: it counts the body of a loop once."""
    scan = jax.lax.scan

    @functools.wraps(scan)
    def unrolled(*args: Any, **options: Any) -> Any:
        return scan(*args, **{**options, "unroll": True})

    def at_once(*_: Any, **__: Any) -> str:
        return "batch"

    with (
        mock.patch.object(jax.lax, "scan", unrolled),
        mock.patch.object(fusion_mlp, "form_for", at_once),
    ):
        # Traced anew: a cached trace has the loops.
        jax.clear_caches()
        lowered = program.lower(*inputs)
    # The optimisation of machine code, most of the time, changes no count.
    compiled = lowered.compile(compiler_options={"xla_backend_optimization_level": 0})
    return compiled.cost_analysis()["bytes accessed"]


JOBS: dict[str, Callable[[bool], Job]] = {
    "head": head_training,
    "aligner": aligner_training,
    "base": functools.partial(extracting, name="base"),
    "large": functools.partial(extracting, name="large"),
    "finetune": finetuning,
}


if __name__ == "__main__":
    main()
