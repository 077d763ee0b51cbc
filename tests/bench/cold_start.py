"""The functions from their start to their first answer, beside boto3 in Lambda's own Python runtime client.

cold_start.py BINARIES ZIPS PHOTO REPORT PAGE [ROUNDS]: BINARIES holds the functions' programs, ZIPS what Lambda gets of them, PHOTO
is the one that thumbnails are made of; rows go into REPORT (JSON), and tables into PAGE (Markdown).

In each round every variant is started once, in random order, against the same stand-in for DynamoDB and S3 on this machine, by TLS
with an RSA certificate. What counts is the ratio of two starts in the same round. boto3 reads the bundle of certificates that it
brings, ours the five roots that it brings, and each the stand-in's besides.
"""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import document
import runtime_api
import stand_in

WARM = 20
OURS, BASE = "photogallery", "boto3"
LIST = {"httpMethod": "GET", "path": "/photos", "headers": {}}
BODY = {"filename": "holiday.jpg", "contentType": "image/jpeg", "size": 4300000}
PHOTO = {"id": "01ARZ3NDEKTSV4RRFFQ69G5000"}
PHOTOS_BUCKET = "pg-photos-summer-photos-7k2m9q4x"
PUT = {"s3": {"bucket": {"name": PHOTOS_BUCKET}, "object": {"key": f"incoming/{PHOTO['id']}"}}}
# Title, function, event, status of the answer, photos in it.
CASES = [
    ("list, 10 photos", "list", {**LIST, "queryStringParameters": {"limit": "10"}}, 200, 10),
    ("list, 60 photos", "list", {**LIST, "queryStringParameters": {"limit": "60"}}, 200, 60),
    ("upload", "upload", {"httpMethod": "POST", "path": "/upload", "headers": {}, "body": json.dumps(BODY)}, 201, None),
    ("delete", "delete", {"httpMethod": "DELETE", "path": "/photos", "headers": {}, "pathParameters": PHOTO}, 204, None),
    ("thumbnail, 12 megapixels", "thumbnail", {"Records": [PUT]}, None, None),
]
GOALS = {
    "list, 10 photos": "Goal: 0.025; better still: 0.015. ",
    "thumbnail, 12 megapixels": "Goal: 12 MB of memory over the file's {file:.1f} MB, and a zip of 3.3 MB. The thumbnail and the two "
    "renditions are made; the peer is boto3 with Pillow. ",
}
TABLE, SIGNING = "functions", "signing"


def environment(address, folder, bundle):
    """As Lambda and the operator set it; the session token is as long as real ones."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjE" + "Ab0/" * 240,
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/measured",
        "AWS_LAMBDA_LOG_STREAM_NAME": "measured",
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_ENDPOINT_URL": address,
        "AWS_CA_BUNDLE": str(bundle),
        "GALLERY": "photos/summer",
        "TABLE": "pg-photos-summer-7k2m9q4x",
        "PHOTOS_BUCKET": PHOTOS_BUCKET,
        "THUMBNAILS_BUCKET": "pg-photos-summer-thumbnails-7k2m9q4x",
        "MAX_UPLOAD_BYTES": "26214400",
        "CONTENT_TYPES": "image/jpeg,image/png,image/webp,image/gif",
        "ALLOWED_ORIGINS": "",
        "METADATA": "Clean",
        "MAX_WIDTH": "400",
        "MAX_HEIGHT": "400",
        "FORMAT": "JPEG",
        "QUALITY": "80",
    }


class Ground:
    """What all variants run on."""

    def __init__(self, binaries, photo, folder):
        import botocore
        import trustme

        authority = trustme.CA(key_type=trustme.KeyType.RSA)
        server = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        key.write_bytes(server.private_key_pem.bytes())
        roots = Path(__file__).parents[2] / "functions/core/src/roots.pem"
        self.bundles = {}
        for variant, brought in ((OURS, roots), (BASE, Path(botocore.__file__).with_name("cacert.pem"))):
            self.bundles[variant] = folder / f"{variant}.pem"
            self.bundles[variant].write_bytes(brought.read_bytes() + b"\n" + authority.cert_pem.bytes())
        self.aws = stand_in.StandIn(certificate, key, photo)
        self.binaries, self.folder = Path(binaries).resolve(), folder

    def command(self, variant, function):
        if variant == OURS:
            return [str(self.binaries / function)]
        return [sys.executable, "-m", "awslambdaric", f"{function}.handler"]

    def start(self, variant, function):
        code = Path(__file__).parent / "peers"
        variables = environment(self.aws.address, code, self.bundles[variant])
        if variant == BASE:
            variables["PYTHONPATH"] = str(code)
        return runtime_api.Measured(self.command(variant, function), variables, self.folder)


def check(answer, status, photos):
    """A quick answer has to be the right one."""
    if status is None:  # To S3 nothing is answered, and a failure would be no answer.
        return
    found = answer["statusCode"], None if photos is None else len(json.loads(answer["body"])["photos"])
    if found != (status, photos):
        raise runtime_api.Failed(f"status and photos are {found}: {answer}")
    if photos:
        photo = json.loads(answer["body"])["photos"][0]
        assert "X-Amz-Signature" in photo["url"] and "X-Amz-Signature" in photo["thumbnailUrl"]


def measure(ground, variant, function, event, status, photos):
    ground.aws.calls()
    with ground.start(variant, function) as process:
        ready = process.ready()
        before = process.cpu()
        first, answer = process.invoke(event)
        cpu = process.cpu() - before
        check(answer, status, photos)
        calls = ground.aws.calls()
        warm = statistics.median(process.invoke(event)[0] for _ in range(WARM))
        return {
            "ready_ms": ready * 1000,
            "ready_cpu_ms": before * 1000,
            "first_ms": (ready + first) * 1000,
            "cpu_ms": cpu * 1000,
            "warm_ms": warm * 1000,
            "peak_mb": process.peak_mb(),
            "calls": calls,
        }


def measure_all(ground, rounds):
    samples = {title: {OURS: [], BASE: []} for title, *_ in CASES}
    for number in range(rounds + 1):
        print(f"    round {number} of {rounds}", file=sys.stderr, flush=True)
        for title, function, *expected in random.sample(CASES, len(CASES)):
            for variant in random.sample([OURS, BASE], 2):
                found = measure(ground, variant, function, *expected)
                if number:  # The first fills the machine's caches.
                    samples[title][variant].append(found)
    return samples


def ratios(samples, variant):
    return [ours["first_ms"] / base["first_ms"] for ours, base in zip(samples[variant], samples[BASE], strict=True)]


def row(title, variant, samples, size):
    middle = {name: statistics.median(sample[name] for sample in samples[variant]) for name in samples[variant][0] if name != "calls"}
    rounded = {name: round(value, 2) for name, value in middle.items()}
    ratio = round(statistics.median(ratios(samples, variant)), 4)
    return {"table": TABLE, "case": title, "variant": variant, "ratio": ratio, **rounded, **({"zip_mb": size} if size else {})}


def load():
    """Others' work lengthens everything, but not evenly: whoever reads the table should know."""
    return f"{os.cpu_count()} processors, {os.getloadavg()[2]:.1f} programs at work on average in the quarter of an hour until the end"


def page(rows, samples, rounds, facts, file):
    lines = [
        "From the start of the process to its first answer, beside boto3 in Lambda's Python runtime client, on this machine: a Runtime API, and a",
        f"DynamoDB and S3 behind TLS (RSA, 2048 bits) that answer at once. Medians of {rounds} rounds in random order; *ratio* is that of the first",
        "answers of the same round, with its range. *Ready* is the first request for an event, *CPU* the processor time until then and that of the",
        f"first event, *warm* the median of {WARM} more. *Memory* is the most that the process had. Downloading and unpacking the code, which AWS does before, is not",
        "in it; the zip's size is what that depends on. boto3's code is a part of Lambda's runtime.",
        "",
        f"Machine: {document.processor()}, {facts}, {time.strftime('%Y-%m-%d')}; {load()}.",
    ]
    for title, *_ in CASES:
        calls = ", ".join(f"{count} {name}" for name, count in sorted(samples[title][OURS][0]["calls"].items())) or "none"
        lines += ["", f"### {title[0].upper()}{title[1:]}", "", f"{GOALS.get(title, '').format(file=file)}Calls to AWS: {calls}.", ""]
        lines += ["| variant | ratio | range | ready ms | first answer ms | CPU ms | warm ms | memory MB | zip MB |", "|---|---|---|---|---|---|---|---|---|"]
        for found in (found for found in rows if found["case"] == title):
            variant = found["variant"]
            spread = ratios(samples[title], variant)
            name = f"**{variant}**" if variant == OURS else variant
            lines.append(
                f"| {name} | {found['ratio']:.4f} | {min(spread):.4f}-{max(spread):.4f} | {found['ready_ms']:.1f} | {found['first_ms']:.1f} "
                f"| {found['ready_cpu_ms']:.1f} + {found['cpu_ms']:.1f} | {found['warm_ms']:.2f} | {found['peak_mb']:.1f} | {found.get('zip_mb', '')} |"
            )
    return "\n".join(lines)


def signing_page(rows):
    lines = ["", "", "### Signing the 2 x 60 links of a page", "", "Goal: 1 ms.", "", "| variant | ratio | CPU ms |", "|---|---|---|"]
    for found in rows:
        name = f"**{found['variant']}**" if found["variant"] == OURS else found["variant"]
        lines.append(f"| {name} | {found['ratio']:.4f} | {found['cpu_ms']:.2f} |")
    return "\n".join(lines)


def boto3_links(runs):
    """The counterpart of the example `sign`: processor milliseconds of a page's links, each time anew."""
    import boto3
    from botocore.config import Config

    token = environment("", "", "")["AWS_SESSION_TOKEN"]
    keys = {"aws_access_key_id": "ASIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret", "aws_session_token": token}
    s3 = boto3.client("s3", region_name="eu-west-1", config=Config(signature_version="s3v4"), **keys)
    shown = {"ResponseContentDisposition": 'inline; filename="holiday.jpg"', "ResponseContentType": "image/jpeg"}
    times = []
    for _ in range(runs):
        start = time.process_time()
        for number in range(60):
            for parameters in ({"Bucket": "photos", **shown}, {"Bucket": "thumbnails"}):
                s3.generate_presigned_url("get_object", Params={**parameters, "Key": f"photos/{number}"}, ExpiresIn=4500)
        times.append((time.process_time() - start) * 1000)
    return times


def links(programs):
    """Medians of the links of one page, ours and boto3's."""
    ours = json.loads(subprocess.run([programs / "examples/sign", "50"], check=True, capture_output=True).stdout)["cpu_ms"]
    found = {OURS: statistics.median(ours[5:]), BASE: statistics.median(boto3_links(10))}
    return [
        {"table": SIGNING, "case": "2 x 60 links", "variant": variant, "ratio": round(value / found[BASE], 4), "cpu_ms": round(value, 3)}
        for variant, value in found.items()
    ]


def main(binaries, zips, photo, report, target, rounds="21"):
    import awslambdaric
    import boto3

    photo = Path(photo).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        samples = measure_all(Ground(binaries, photo, Path(folder)), int(rounds))
    rows = []
    for title, function, *_ in CASES:
        size = round((Path(zips) / f"{function}.zip").stat().st_size / 1e6, 2)
        rows += [row(title, variant, samples[title], size if variant == OURS else None) for variant in (OURS, BASE)]
    facts = f"Python {platform.python_version()}, boto3 {boto3.__version__}, awslambdaric {awslambdaric.__version__}"
    signing = links(Path(binaries).resolve())
    document.add_rows(report, TABLE, rows)
    document.add_rows(report, SIGNING, signing)
    document.replace(target, TABLE, page(rows, samples, rounds, facts, len(photo) / 1e6) + signing_page(signing))


if __name__ == "__main__":
    main(*sys.argv[1:])
