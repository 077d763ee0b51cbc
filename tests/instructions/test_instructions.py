"""Counts the instructions of the hot loops, which, unlike their time, are the same in every run.

A count that is more than MORE above the one in instructions.json fails: something got slower. So does one that is more than LESS below,
so that the table stays true. UPDATE_GENERATED=1 writes it anew. What runs once a process, such as reading the file, is counted in a
run of its own and does not matter.
"""

import json
import os
import platform
import re
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("instructions.json")
MORE, LESS = 1.02, 0.95
CASES = {
    "thumbnail of a baseline JPEG": ("render", "baseline.jpg", "200"),
    "three pictures of a baseline JPEG": ("render", "baseline.jpg", "200,512,1024"),
    "thumbnail of a progressive JPEG": ("render", "progressive.jpg", "200"),
    "thumbnail of a PNG": ("render", "photo.png", "200"),
    "thumbnail of a lossy WebP": ("render", "photo.webp", "200"),
    "cleaning a JPEG": ("clean", "baseline.jpg"),
}


def output(*command):
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr[-2000:]}")
    return done


def processor():
    """What code is chosen by: the encoder and the search for bytes look for AVX2."""
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    return platform.machine() + (" with AVX2" if "avx2" in flags else "")


class Instructions(unittest.TestCase):
    maxDiff = None

    def test_no_more_than_before(self):
        try:
            valgrind = output("tests/tools/valgrind").stdout.strip()
        except RuntimeError as error:
            self.skipTest(str(error))
        table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
        renew = os.environ.get("UPDATE_GENERATED") == "1"
        if not renew and table.get("processor") != processor():
            self.skipTest(f"counted on {table.get('processor')}, not on {processor()}")
        output("tests/tools/cargo", "build", "--workspace", "--example", "instructions")
        program = ROOT / "target" / f"{platform.machine()}-unknown-linux-musl/release/examples/instructions"
        with tempfile.TemporaryDirectory() as folder:
            output(program, "make", folder)

            def run(case, times):
                verb, file, *edges = CASES[case]
                command = [program, verb, f"{folder}/{file}", *edges, str(times)]
                told = output(valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *command).stderr
                return int(re.search(r"Collected : (\d+)", told)[1])

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                counts = dict(zip(CASES, pool.map(lambda case: run(case, 1) - run(case, 0), CASES)))
        if renew:
            TABLE.write_text(json.dumps({"processor": processor(), "instructions": counts}, indent=2) + "\n")
            return
        for case, count in counts.items():
            before = table["instructions"].get(case, 0)
            with self.subTest(case):
                self.assertLess(count, before * MORE, "more instructions than before: see what makes it slower")
                self.assertGreater(count, before * LESS, "fewer than before: renew the table by UPDATE_GENERATED=1")


if __name__ == "__main__":
    unittest.main()
