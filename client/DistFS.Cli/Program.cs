using DistFS.Cli;

using var interrupts = new Interrupts();
return await CliProgram.RunAsync(args, CliHost.ForProcess(interrupts)).ConfigureAwait(false);
