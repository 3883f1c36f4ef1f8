"""Runs a program on a processor with matrix tiles (AMX), for machines that have none: in a small Linux under Bochs, an
emulator of PCs. Not for timing, and not for programs that need files.

    under_bochs.py PROGRAM [ARGUMENT ...]

The program, linked statically, is alone in the guest, with PELLUCID_ISA as it is here; what it prints and its exit
status become ours. Without a program this only sees whether all is there: cc, genisoimage, and

    BOCHS     Bochs 3.0 with bochs.patch, which tells how to build it        otherwise bochs on the PATH
    BXSHARE   where its BIOS is (Debian: bochsbios, vgabios)                 otherwise /usr/share/bochs
    SYSLINUX  where ISOLINUX and syslinux/modules/bios are
              (Debian: isolinux, syslinux-common)                            otherwise /usr/lib
    KERNEL    Linux 6.12 (Debian: linux-image-cloud-amd64)                   otherwise the newest in /boot
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

# Nothing that emulated hardware answers wrongly or slowly: ACPI, performance counters, pages of five levels. Time in
# the guest is counted in instructions. Bochs logs little, as it may wait for itself where an alarm meets the log.
LINUX = (
    "initrd=/initrd console=ttyS0,115200 quiet loglevel=1 panic=-1 reboot=t acpi=off no5lvl mitigations=off "
    "random.trust_cpu=on tsc=reliable tsc_early_khz=50000 lpj=20000 initcall_blacklist=init_hw_perf_events "
    "cryptomgr.notests rcupdate.rcu_expedited=1"
)
MACHINE = """\
romimage: file={bios}/BIOS-bochs-latest
vgaromimage: file={bios}/VGABIOS-lgpl-latest
display_library: nogui
megs: 512
cpu: model=sapphire_rapids, ips=50000000, reset_on_triple_fault=0
clock: sync=none, time0=1000000000
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=printed
log: log
panic: action=fatal
error: action=ignore
info: action=ignore
"""
LOADER = ("ISOLINUX/isolinux.bin", "syslinux/modules/bios/ldlinux.c32")
BOOT = ("-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table")


def main() -> None:
    bochs, genisoimage = command("BOCHS", "bochs"), command("GENISOIMAGE", "genisoimage")
    bios = folder("BXSHARE", "/usr/share/bochs", ["BIOS-bochs-latest", "VGABIOS-lgpl-latest"])
    syslinux = folder("SYSLINUX", "/usr/lib", LOADER)
    kernel = newest_kernel()
    if len(sys.argv) == 1:
        return
    with tempfile.TemporaryDirectory() as temporary:
        guest = Path(temporary)
        disc = guest / "disc"
        disc.mkdir()
        for file in LOADER:
            shutil.copy(syslinux / file, disc)
        shutil.copy(kernel, disc / "linux")
        write_programs(disc, Path(sys.argv[1]), sys.argv[2:])
        subprocess.run([genisoimage, "-quiet", "-o", "disc.iso", *BOOT, "disc"], cwd=guest, check=True)
        (guest / "machine").write_text(MACHINE.format(bios=bios))
        subprocess.run([bochs, "-q", "-f", "machine"], cwd=guest, stdin=subprocess.DEVNULL, capture_output=True)
        printed = (guest / "printed").read_text(errors="replace") if (guest / "printed").exists() else ""
    # Linux does not outlive its first process, and says what that one ended with.
    end = re.search(r"\[[ .\d]*\] Kernel panic .* kill init! exitcode=0x(\w+)", printed)
    if not end:
        give_up(f"the guest ended before the program did; is Bochs built as bochs.patch says? {printed[-2000:]}")
    print(printed[: end.start()], end="")
    status = int(end[1], 16)
    sys.exit(status >> 8 or status)


def write_programs(disc: Path, program: Path, arguments: list[str]) -> None:
    subprocess.run(["cc", "-static", "-O1", "-o", disc / "init", Path(__file__).with_name("guest_init.c")], check=True)
    subprocess.run(["strip", "-o", disc / "program", program], check=True)
    write_archive(disc / "initrd", [disc / "init", disc / "program"])
    asked = os.environ.get("PELLUCID_ISA")
    options = [LINUX, *([f"PELLUCID_ISA={asked}"] if asked else []), "--", "--", *arguments]
    (disc / "isolinux.cfg").write_text(f"default guest\nlabel guest\n  kernel /linux\n  append {' '.join(options)}\n")


def write_archive(path: Path, programs: list[Path]) -> None:
    """The guest's first files, in cpio's newc format: its console and these programs."""
    with path.open("wb") as file:
        file.write(entry("dev", 0o40755) + entry("dev/console", 0o20600, device=(5, 1)))
        for program in programs:
            file.write(entry(program.name, 0o100755, program.read_bytes()))
        file.write(entry("TRAILER!!!", 0))


def entry(name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    # inode, mode, owner, group, links, time, size, device (2), device it is (2), length of the name, checksum
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % n for n in numbers) + name.encode() + b"\0"
    return b"".join(part + bytes(-len(part) % 4) for part in (head, content))


def command(variable: str, name: str) -> str:
    path = shutil.which(os.environ.get(variable, name))
    return os.path.abspath(path) if path else give_up(f"no {name} on the PATH, nor one named in {variable}")


def folder(variable: str, usual: str, files: Sequence[str]) -> Path:
    place = Path(os.environ.get(variable, usual)).absolute()
    missing = [file for file in files if not (place / file).exists()]
    return give_up(f"no {missing[0]} in {place}, or say in {variable} where it is") if missing else place


def newest_kernel() -> Path:
    kernels = sorted(Path("/boot").glob("vmlinuz-*"), key=lambda file: [int(n) for n in re.findall(r"\d+", file.name)])
    named = os.environ.get("KERNEL")
    return Path(named) if named else kernels[-1] if kernels else give_up("no Linux in /boot, nor one named in KERNEL")


def give_up(why: str) -> NoReturn:
    sys.exit(f"under_bochs: {why}; {__file__} begins with what it needs")


main()
