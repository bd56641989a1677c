#!/bin/sh
# Builds the library, the driver and the tests with Mono's compiler, into bin/.
set -eu
cd "$(dirname "$0")"

need() {
    echo "csharp: $1 is missing. Debian: apt-get install --no-install-recommends mono-mcs libmono-posix4.0-cil" >&2
    exit 3
}
command -v mcs >/dev/null || need "the compiler (mcs)"
command -v mono >/dev/null || need "the runtime (mono)"

# -noconfig: nothing is referenced but what is named here, so that the driver loads no more than it needs.
compile() {
    mcs -noconfig -unsafe -optimize+ -debug -warn:4 -warnaserror+ "$@"
}

# The compiler runs on Mono, which keeps a file in /dev/shm that stays when it is killed.
export MONO_DISABLE_SHARED_AREA=1
mkdir -p bin
compile -target:library -out:bin/ZeroBuffer.dll ZeroBuffer/*.cs
compile -r:bin/ZeroBuffer.dll -r:Mono.Posix.dll -out:bin/driver.exe Driver/*.cs
compile -r:System.dll -r:bin/ZeroBuffer.dll -r:bin/driver.exe -out:bin/tests.exe Tests/*.cs
