using System.CommandLine;
using System.Text.Json.Serialization.Metadata;
using DistFS.Client;

namespace DistFS.Cli;

/// <summary>A verb that says something of each path: for people, or a document each.</summary>
/// <typeparam name="TReport">The document.</typeparam>
internal abstract class ReportVerb<TReport>(string paths) : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths(paths);

    /// <inheritdoc/>
    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
    }

    /// <inheritdoc/>
    protected sealed override Task<int> RunAsync(VerbContext context, DistFsClient client) =>
        ForEachAsync(context, client, context.Get(_paths), async path =>
        {
            var report = await LookAsync(context, client, path).ConfigureAwait(false);
            if (context.Json)
            {
                context.WriteJson(report, Type);
            }
            else
            {
                Show(context, report);
            }
        });

    /// <summary>How the document is written.</summary>
    protected abstract JsonTypeInfo<TReport> Type { get; }

    /// <summary>What is to be said of a path.</summary>
    protected abstract Task<TReport> LookAsync(VerbContext context, DistFsClient client, string path);

    /// <summary>Says it to people.</summary>
    protected abstract void Show(VerbContext context, TReport report);
}
