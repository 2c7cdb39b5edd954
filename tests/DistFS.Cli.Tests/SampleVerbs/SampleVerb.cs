using System.CommandLine;

namespace DistFS.Cli.Tests.SampleVerbs;

internal abstract class SampleVerb : Verb
{
    public override string Summary => "Do what a test needs";

    public override VerbGroup Group => VerbGroup.Files;

    public override IReadOnlyList<Example> Examples => [new($"dfs {Name}", "do it")];

    public override void Configure(Command command)
    {
    }
}
