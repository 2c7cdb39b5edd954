global using DistFS.Posix.Running;
global using DistFS.Posix.Syscalls;
global using Xunit;
