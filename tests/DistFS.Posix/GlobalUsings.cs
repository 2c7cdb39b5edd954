global using DistFS.Posix.Running;
global using DistFS.Posix.Syscalls;
global using static DistFS.Posix.Syscalls.Constants;
global using static DistFS.Posix.Syscalls.Errno;
global using static DistFS.Posix.Syscalls.Sys;
