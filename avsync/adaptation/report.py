"""The outcome of an adaptation, or of a calibration alone, on the terminal."""

from collections.abc import Mapping

from avsync.adaptation import outcome
from avsync.adaptation.calibrating import Alarms
from avsync.adaptation.outcome import RATE
from avsync.evaluation.lines import Metrics
from avsync.names import shown_text
from avsync.reports import text
from avsync.scoring.video.reference import MIN_GROUP


def print_outcome(found: Metrics) -> None:
    """Prints the numbers of each scorer, and whether fine-tuning helped."""
    title = "real test clips and fakes made of them"
    table = text.terminal_table(title, "scorer", "AUC", "false alarms", "fakes found")
    for row in outcome.rows(found):
        table.add_row(*row)
    console = text.console()
    console.print(table)
    minutes = sum(found["seconds"].values()) / 60
    console.print(f"{found['summary']} {minutes:.1f} minutes in all.")


def print_alarms(found: Mapping[str, Alarms]) -> None:
    """Prints the false alarms of a calibration: of all videos and, if there are groups, of each."""
    title = "false alarms at 5%, each video compared with all others"
    table = text.terminal_table(title, "real videos", "number", "false alarms", "rate")
    for name, alarms in found.items():
        rate = text.interval(alarms.num_alarms / alarms.num_reals, alarms.low, alarms.high)
        table.add_row(name or "all", str(alarms.num_reals), str(alarms.num_alarms), rate)
    console = text.console()
    console.print(table)
    for name, alarms in found.items():
        if alarms.low > float(RATE):
            console.print(
                f"Group {shown_text(name)} alarms more often than 5% of the time: "
                f"{_advice(alarms)}."
            )


def _advice(alarms: Alarms) -> str:
    if alarms.num_reals >= MIN_GROUP:
        return "score its files with avsync-score --group"
    return f"with {MIN_GROUP - alarms.num_reals} more videos it has thresholds of its own (--group)"
