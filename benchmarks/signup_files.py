"""Import and export of a waitlist as a file: rows per second, and the most memory of the process.

    python benchmarks/signup_files.py --rows 1000000

Each of the three runs is a process of its own, as an operator would start it: an import, the same
import again, which finds that all of it is there, and an export. The memory must be the same for
10,000 rows and for 1,000,000.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from stage import DOMAIN, VARIANT, Stage, stage


def write_file(path: Path, rows: int) -> None:
    """Write a file of signups for one variant."""
    with path.open("w", encoding="utf-8") as file:
        file.write("variant_id,contact,name,optin_confirmed,language,created_at\n")
        for n in range(rows):
            file.write(f"{VARIANT},shopper{n}@example.com,Zoë {n},yes,de,2025-01-01T10:00:00Z\n")


def run(made: Stage, rows: int, *arguments: str) -> dict[str, float | str]:
    """Run a command; return its speed, and the most memory that it used, in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "openstoq", *arguments, "--shop", DOMAIN],
        env=made.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    seconds = time.perf_counter() - began
    return {
        "rows_per_second": round(rows / seconds),
        "seconds": round(seconds, 1),
        "most_mb": round(usage.ru_maxrss / 1024, 1),
        "said": said.decode().splitlines()[0] if said else "",
    }


def main() -> None:
    """Print one JSON object with the three runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with stage() as made:
        made.run(
            "INSERT INTO catalog_pulls (shop_id, started_at, finished_at, complete) "
            "VALUES ($1, now(), now(), true)",
            made.shop_id,
        )
        path, exported = made.folder / "signups.csv", made.folder / "exported.csv"
        write_file(path, rows)
        found = {
            "rows": rows,
            "import": run(made, rows, "import", "signups", str(path)),
            "import_again": run(made, rows, "import", "signups", str(path)),
            "export": run(made, rows, "export", "signups", str(exported)),
            "export_again": run(made, rows, "import", "signups", str(exported)),
        }
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
