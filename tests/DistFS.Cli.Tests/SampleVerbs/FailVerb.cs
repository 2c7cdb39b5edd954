using System.CommandLine;

namespace DistFS.Cli.Tests.SampleVerbs;

/// <summary>Throws an error of a given code, or an unexpected one.</summary>
internal sealed class FailVerb : SampleVerb
{
    private readonly Argument<string> _code = new("code");

    public override void Configure(Command command) => command.Arguments.Add(_code);

    public override Task<int> RunAsync(VerbContext context) =>
        throw (ErrorCatalog.TryFind(context.Get(_code), out var code)
            ? new DistFsException(code, "It failed.\nWith a \e[31msecond line.")
            : new InvalidOperationException("Nobody thought of it."));
}
