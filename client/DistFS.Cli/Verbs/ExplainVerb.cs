using System.CommandLine;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs explain</c>: what an error code means and what to do.</summary>
internal sealed class ExplainVerb : Verb
{
    private readonly Argument<string?> _code = new("code")
    {
        Description = "Such as DFS1203; the letters may be left out",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _all = new("--all") { Description = "List every code" };

    public override string Summary => "Explain an error code and what to do";

    public override VerbGroup Group => VerbGroup.Tool;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs explain DFS1203", "tell what DFS1203 means, why it usually happens, and what to do"),
        new("dfs explain --all", "list every code with its title"),
        new("dfs explain --all --json | jq '.[] | select(.status == \"ETIMEDOUT\")'", "find codes in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _code.CompletionSources.Add(_ => ErrorCatalog.All.Select(code =>
            new System.CommandLine.Completions.CompletionItem(code.Id, documentation: code.Title)));
        command.Arguments.Add(_code);
        command.Options.Add(_all);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_all) == (result.GetValue(_code) != null))
            {
                result.AddError("Give either one code or --all.");
            }
        });
    }

    public override Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Get(_all))
        {
            WriteAll(context);
            return Task.FromResult(ExitCodes.Ok);
        }

        var id = context.Get(_code)!;
        if (!ErrorCatalog.TryFind(id, out var code))
        {
            var near = NearestName.Question(id.ToUpperInvariant(), ErrorCatalog.All.Select(known => known.Id));
            throw new DistFsException(
                ErrorCatalog.UnknownCode,
                $"'{id}' is no error code of this version.{near} 'dfs explain --all' lists them.");
        }

        if (context.Json)
        {
            context.WriteJson(ExplainedCode.Of(code), ExplainJson.Default.ExplainedCode);
            return Task.FromResult(ExitCodes.Ok);
        }

        var writer = context.Host.Out;
        writer.WriteLine($"{code.Id}: {code.Title} ({code.Status.ToPosixName()})");
        writer.WriteLine();
        foreach (var line in TextWrap.Lines(
            code.Explanation, Math.Min(context.Host.TerminalWidth, TextWrap.ReadableWidth)))
        {
            writer.WriteLine(line);
        }

        return Task.FromResult(ExitCodes.Ok);
    }

    private static void WriteAll(VerbContext context)
    {
        if (context.Json)
        {
            context.WriteJson([.. ErrorCatalog.All.Select(ExplainedCode.Of)], ExplainJson.Default.ExplainedCodeArray);
            return;
        }

        foreach (var code in ErrorCatalog.All)
        {
            context.Host.Out.WriteLine($"{code.Id}  {code.Status.ToPosixName(),-12}  {code.Title}");
        }
    }
}

/// <summary>An element of <c>dfs explain --json</c>.</summary>
internal sealed record ExplainedCode(string Code, string Status, string Title, string Explanation)
{
    public static ExplainedCode Of(ErrorCode code) =>
        new(code.Id, code.Status.ToPosixName(), code.Title, code.Explanation);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ExplainedCode))]
[JsonSerializable(typeof(ExplainedCode[]))]
internal sealed partial class ExplainJson : JsonSerializerContext;
