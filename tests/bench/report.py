# SPDX-License-Identifier: BSD-3-Clause
# Tables and plots of what the benchmarks have written down. Run by run.sh.
#
# python3 report.py OUT [--publish]
# OUT has figures.csv and goals.csv of contest.c; the plots go there. With --publish they go into docs/plots too, and
# the tables into README.md and tests/bench/README.md, between their marks.
import csv
import os
import shutil
import statistics
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ORDER = "HSPMXAFNm"  # of the goals, by their first letters
COLOURS = ["#4477aa", "#bbbbbb", "#999999", "#777777", "#ccbb44", "#ee9966"]
SELECTS = [
    ("select-2-readers", "SQLite"),
    ("postgresql-select", "PostgreSQL"),
    ("mysql-select", "MariaDB"),
    ("postgresql-select-delayed", "PostgreSQL, 2 ms away"),
]
KINDS = [
    ("asyncdb", ("asyncdb",)),
    ("bare client library", ("bare loop", "4 bare threads")),
    ("libuv around it", ("libuv around bare",)),
    ("libpq pipeline by hand", ("libpq pipeline by hand",)),
    ("Python: aiosqlite, asyncpg", ("aiosqlite", "asyncpg")),
    ("Python: databases", ("databases",)),
]
# Those that README.md shows, and their words for who cannot see them.
PICTURES = {
    "rate": "point selects a second, of asyncdb and others, on each database",
    "cpu": "what each of them costs the processor",
    "latency": "their latency",
}
# And those of tests/bench/README.md.
MORE = {
    "goals": "how far beyond its goal each line is",
    "flat": "what a job costs over the number of jobs, contexts and threads",
}

HEAD = "| | each second | ours to it | CPU µs | allocations | system calls (own) | MiB | p50 / p99 / p99.9 |"


class Figures:
    """What figures.csv says: contests in their order, ways in theirs, and of each a list of values for each measure."""

    def __init__(self, path):
        self.contests = {}
        for contest, name, way, measure, _, value in rows(path):
            ways = self.contests.setdefault(contest, (name, {}))[1]
            ways.setdefault(way, {}).setdefault(measure, []).append(float(value))

    def median(self, contest, way, measure):
        values = self.contests.get(contest, ("", {}))[1].get(way, {}).get(measure)
        return statistics.median(values) if values else None

    def ratio(self, contest, way):
        """Of our rate to that of another: the median over the rounds."""
        ways = self.contests[contest][1]
        ours = next(iter(ways.values()))["rate"]
        return statistics.median(our / other for our, other in zip(ours, ways[way]["rate"]))


def rows(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="") as file:
        return list(csv.reader(file))


def number(value, unit=""):
    if value is None:
        return "–"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 3 if 0 < size < 0.01 else 2
    return f"{value:,.{digits}f}{unit}"


# Tables


def goal_table(goals):
    lines = ["| goal | work | wanted | measured | |", "|---|---|---|---|---|"]
    for goal, name, what, value, sense, bound, held in goals:
        wanted = f"{sense} {number(float(bound))} {what}"
        verdict = "held" if held == "held" else "**missed**"
        lines.append(f"| {goal} | {name} | {wanted} | {number(float(value))} | {verdict} |")
    return "\n".join(lines)


def latency_text(figures, contest, way):
    values = [figures.median(contest, way, measure) for measure in ("p50_us", "p99_us", "p999_us")]
    if None in values:
        return "–"
    scale, unit = (1000, "ms") if values[0] >= 1000 else (1, "µs")
    return " / ".join(number(value / scale) for value in values) + " " + unit


def pair_text(figures, contest, way, first, second):
    left, right = figures.median(contest, way, first), figures.median(contest, way, second)
    return "–" if left is None else f"{number(left)} + {number(right)}"


def way_line(figures, contest, way, is_first):
    calls, own = figures.median(contest, way, "calls"), figures.median(contest, way, "calls_own")
    cells = [
        way,
        number(figures.median(contest, way, "rate")),
        "" if is_first else number(figures.ratio(contest, way)),
        number(figures.median(contest, way, "cpu_us")),
        pair_text(figures, contest, way, "allocations_own", "allocations_client"),
        "–" if calls is None else f"{number(calls)} ({number(own)})",
        number(figures.median(contest, way, "peak_mib")),
        latency_text(figures, contest, way),
    ]
    return "| " + " | ".join(cells) + " |"


def figure_tables(figures):
    lines = []
    for contest, (name, ways) in figures.contests.items():
        lines += ["", f"**{name}** (`{contest}`)", ""]
        lines += [HEAD, "|---|---|---|---|---|---|---|---|"]
        for i, way in enumerate(ways):
            lines.append(way_line(figures, contest, way, i == 0))
    return "\n".join(lines[1:])


def print_goals(goals):
    print("goals:")
    for goal, name, what, value, sense, bound, held in goals:
        mark = "held  " if held == "held" else "MISSED"
        print(f"  {mark} {goal:3} {number(float(value)):>8} (wanted {sense} {number(float(bound))}) {what} | {name}")


# Plots


def gnuplot(out, name, size, script, data):
    """script with $DATA in it; one plot, one file."""
    path = os.path.join(out, name + ".svg")
    head = f"""set terminal svg size {size} font "sans-serif,12" background "#ffffff"
set output "{path}"
set border 3 linecolor "#888888"
set tics nomirror textcolor "#333333"
set grid ytics linecolor "#dddddd"
$DATA << END
{data}
END
"""
    subprocess.run(["gnuplot"], input=head + script, text=True, check=True)
    return path


def of_kind(figures, contest, names, measure):
    """Of the first of these ways, in the contest or in that with Python beside it."""
    python = {"select-2-readers": "python-sqlite", "postgresql-select": "python-postgresql"}
    for where in (contest, python.get(contest)):
        for name in names:
            value = figures.median(where, name, measure)
            if value is not None:
                return value
    return None


def plot_kinds(out, figures, name, title, measure):
    """Bars: a group for each database, and in it one for each kind of way that was measured anywhere."""
    groups = [(contest, title) for contest, title in SELECTS if contest in figures.contests]
    columns = [
        (kind, colour, [of_kind(figures, contest, ways, measure) for contest, _ in groups])
        for (kind, ways), colour in zip(KINDS, COLOURS)
    ]
    columns = [column for column in columns if any(column[2])]
    if not columns:
        return []
    data = "\n".join(
        " ".join([f'"{group}"'] + ["NaN" if values[i] is None else f"{values[i]:.6g}" for _, _, values in columns])
        for i, (_, group) in enumerate(groups)
    )
    bars = ", ".join(
        f'$DATA using {i + 2}:xtic(1) title "{kind}" linecolor rgb "{colour}"'
        for i, (kind, colour, _) in enumerate(columns)
    )
    script = f"""set title "{title}"
set style data histogram
set style histogram clustered gap 1
set style fill solid noborder
set boxwidth 0.9 relative
set logscale y
set format y "%.0s %c"
set key outside bottom center horizontal
set xtics scale 0
plot {bars}
"""
    return [gnuplot(out, name, "760,400", script, data)]


def goal_label(goal, name, what):
    kinds = [("CPU", "CPU"), ("allocations", "allocations"), ("calls", "system calls"), ("MiB", "memory")]
    kind = next((f" ({title})" for word, title in kinds if word in what), "")
    return f"{goal}  {name[:64]}{kind}"


def plot_goals(out, goals):
    """Each goal as how far beyond its bound it is: right of 1 is held."""
    lines = []
    for i, (goal, name, what, value, sense, bound, _) in enumerate(reversed(goals)):
        value, bound = max(float(value), float(bound) / 100), float(bound)
        margin = min(max(value / bound if sense == "at least" else bound / value, 0.05), 20)
        lines.append(f'"{goal_label(goal, name, what)}" {i} {margin:.4g} {0x4477AA if margin >= 1 else 0xCC6677}')
    if not lines:
        return []
    script = f"""set title "How far beyond its goal each line is (1: just reached)"
set logscale x
set xrange [0.05:20]
set yrange [-0.7:{len(lines) - 0.3}]
set ytics scale 0 noenhanced
set style fill solid noborder
set grid noytics xtics
set arrow from 1,graph 0 to 1,graph 1 nohead linecolor "#333333"
unset key
plot $DATA using (($3+1)/2):2:(1):($3):($2-0.35):($2+0.35):4:ytic(1) with boxxyerror linecolor rgb variable
"""
    return [gnuplot(out, "goals", f"960,{80 + 18 * len(lines)}", script, "\n".join(lines))]


def plot_flat(out, figures):
    """What a job costs over the number of jobs, contexts and threads."""
    lines = []
    for contest in ("jobs", "contexts", "threads"):
        if contest not in figures.contests:
            continue
        block = []
        for way in figures.contests[contest][1]:
            count = next((word for word in way.replace(",", "").split() if word.isdigit()), None)
            if count is not None and not way.startswith("libuv"):
                block.append(f"{count} {figures.median(contest, way, 'cpu_us') * 1000:.6g}")
        lines.append("\n".join([f'"{contest}"'] + block))
    if not lines:
        return []
    script = f"""set title "Processor for each empty job, over the number of jobs, contexts and submitting threads"
set logscale x
set format x "10^{{%T}}"
set yrange [0:*]
set ylabel "ns"
set key outside bottom center horizontal
plot for [i=0:{len(lines) - 1}] $DATA index i using 1:2 with linespoints linewidth 2 pointtype 7 title columnheader(1)
"""
    return [gnuplot(out, "flat", "760,320", script, "\n\n\n".join(lines))]


def plot_all(out, figures, goals):
    if shutil.which("gnuplot") is None:
        print("without plots: gnuplot is not here")
        return []
    return (
        plot_kinds(out, figures, "rate", "Point selects a second, 64 in flight", "rate")
        + plot_kinds(out, figures, "cpu", "Point selects: microseconds of the client's processor for each", "cpu_us")
        + plot_kinds(out, figures, "latency", "Point selects: 99 % took no more microseconds", "p99_us")
        + plot_goals(out, goals)
        + plot_flat(out, figures)
    )


# Publishing


def machine(out):
    def line(command):
        return subprocess.run(command, shell=True, capture_output=True, text=True).stdout.strip()

    model = line("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1")
    with open(os.path.join(out, "load")) as file:
        load = file.read().split("\n")[0]
    system, compiler = line("uname -r | cut -d. -f1,2"), line("cc --version | head -n 1")
    return (
        f"Measured on {line('nproc')} processors ({model}), Linux {system}, {compiler} -O2, on {line('date -u +%Y-%m-%d')}, "
        f"{load} before the run. Clients and servers share the machine."
    )


def put_between(path, mark, text):
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    with open(path) as file:
        whole = file.read()
    head, rest = whole.split(begin)
    tail = rest.split(end)[1]
    with open(path, "w") as file:
        file.write(f"{head}{begin}\n{text}\n{end}{tail}")


def publish(out, figures, goals, plots):
    folder = os.path.join(TOP, "docs", "plots")
    os.makedirs(folder, exist_ok=True)
    for plot in plots:
        shutil.copy(plot, folder)
    made = [os.path.basename(plot)[:-4] for plot in plots]
    pictures = "\n".join(f"![{PICTURES[name]}](docs/plots/{name}.svg)" for name in PICTURES if name in made)
    put_between(os.path.join(TOP, "README.md"), "figures", f"{pictures}\n\n{machine(out)}\n\n{goal_table(goals)}")
    own = os.path.join(TOP, "tests", "bench", "README.md")
    drawn = "\n".join(f"![{MORE[name]}](../../docs/plots/{name}.svg)" for name in MORE if name in made)
    put_between(own, "figures", f"{machine(out)}\n\n{drawn}\n\n{figure_tables(figures)}")


def main(out, publishing):
    figures = Figures(os.path.join(out, "figures.csv"))
    goals = sorted(rows(os.path.join(out, "goals.csv")), key=lambda goal: ORDER.find(goal[0][0]))
    print_goals(goals)
    plots = plot_all(out, figures, goals)
    print("raw figures and plots:", out)
    if publishing:
        publish(out, figures, goals, plots)


main(sys.argv[1], "--publish" in sys.argv[2:])
