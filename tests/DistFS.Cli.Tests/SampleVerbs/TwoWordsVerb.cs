using System.CommandLine;

namespace DistFS.Cli.Tests.SampleVerbs;

/// <summary>A verb with subcommands; prints which was called, its words, and a coloured word.</summary>
internal sealed class TwoWordsVerb : SampleVerb
{
    private readonly Argument<string[]> _words = new("words") { Arity = ArgumentArity.ZeroOrMore };
    private readonly Command _start = new("start", "Start it");

    public override void Configure(Command command)
    {
        command.Subcommands.Add(_start);
        command.Subcommands.Add(new Command("stop", "Stop it"));
        _start.Arguments.Add(_words);
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        context.Note("a note");
        var called = context.Arguments.CommandResult.Command.Name;
        context.Host.Out.WriteLine(string.Join(' ', context.Get(_words).Prepend(called)));
        context.Out.Write(new Spectre.Console.Markup("[green]colour[/]\n"));
        return Task.FromResult(ExitCodes.Ok);
    }
}
