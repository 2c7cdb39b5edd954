using DistFS.Cli;

// Not async: an asynchronous Main is two more methods to compile before the first line, and nobody else needs the
// thread.
using var interrupts = new Interrupts();
return CliProgram.RunAsync(args, CliHost.ForProcess(interrupts)).GetAwaiter().GetResult();
