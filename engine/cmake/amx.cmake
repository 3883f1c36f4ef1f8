# For this processor, linked statically, tests run under Bochs, an emulator of PCs that have AMX (see under_bochs.py).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR "python3;${CMAKE_CURRENT_LIST_DIR}/under_bochs.py")
set(random_cases 5)
