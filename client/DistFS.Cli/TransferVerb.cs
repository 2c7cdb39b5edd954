using System.CommandLine;
using System.Diagnostics;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Client.Transfers;
using DistFS.Primitives;

namespace DistFS.Cli;

/// <summary>
/// A verb that copies: sources, and last where to; <c>-r</c>, <c>-f</c>, <c>-p</c>, progress, and a report. What fails
/// is told, and the rest is copied all the same.
/// </summary>
internal abstract class TransferVerb : ClusterVerb
{
    /// <summary>stdin or stdout, where a file is expected.</summary>
    protected const string Standard = "-";

    private readonly Argument<string[]> _paths;

    private readonly Option<bool> _recursive = new("-r", "--recursive")
    {
        Description = "Directories too, with all that is in them",
    };

    private readonly Option<bool> _force = new("-f", "--force") { Description = "Replace files that are there" };

    private readonly Option<bool> _preserve;

    private readonly Option<ByteSize[]> _limit =
        CliArguments.Sizes("--limit", "So many bytes in a second at most", ByteSize.GiB(1_000), new ByteSize(1));

    private readonly Option<ByteSize> _memory = CliArguments.Memory(
        "For content on its way, all files together", DistFsClientOptions.MemoryDefault);

    protected TransferVerb(string paths, string preserves)
    {
        _paths = new Argument<string[]>("path") { Description = paths, Arity = new ArgumentArity(2, 100_000) };
        _preserve = new Option<bool>("-p", "--preserve") { Description = preserves };
    }

    /// <summary>Whether bytes go through this process.</summary>
    protected virtual bool MovesBytes => true;

    /// <summary>Whoever goes on after a run that was killed waits for this.</summary>
    protected sealed override TimeSpan SessionLease => TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    protected sealed override long? MemoryMax(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return MovesBytes ? context.Get(_memory).Bytes : null;
    }

    /// <inheritdoc/>
    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Arguments.Add(_paths);
        command.Options.Add(_recursive);
        command.Options.Add(_force);
        command.Options.Add(_preserve);
        if (MovesBytes)
        {
            command.Options.Add(_limit);
            command.Options.Add(_memory);
        }
    }

    /// <inheritdoc/>
    protected sealed override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths);
        var (sources, to) = (await SourcesAsync(context, client, paths[..^1]).ConfigureAwait(false), paths[^1]);
        var isInto = to != Standard && await IsDirectoryAsync(context, client, to).ConfigureAwait(false);
        if (!isInto && to != Standard && sources.Count > 1)
        {
            throw UsageError.Because(this, $"{to} is no directory: several things cannot have one name.");
        }

        Check(sources, to, isInto);
        var failures = new TransferFailures(context);
        var options = new TransferOptions
        {
            Overwrites = context.Get(_force),
            Preserves = context.Get(_preserve),
            Resumes = true,
            BytesPerSecondMax = MovesBytes && context.Get(_limit) is [.., var limit] ? limit.Bytes : null,
            Failed = failures.Add,
        };
        var began = Stopwatch.GetTimestamp();
        IReadOnlyList<string> skipped;
        try
        {
            skipped = await AllAsync().ConfigureAwait(false);
        }
        finally
        {
            if (options.Progress.Kept > 0)
            {
                context.Note("What was copied is kept: the same command goes on where this one stopped.");
            }
        }

        if (to != Standard)
        {
            TransferReport.Tell(context, options.Progress, began, skipped, failures);
        }

        return failures.ExitCode;

        Task<List<string>> AllAsync() => TransferBar.ShowAsync(context, options.Progress, async () =>
        {
            var left = new List<string>();
            foreach (var source in sources)
            {
                try
                {
                    left.AddRange(await TransferAsync(context, client, options, source, to, isInto)
                        .ConfigureAwait(false));
                }
                catch (DistFsException e) when (DistFsErrors.IsOfOneFile(e) && !context.Json)
                {
                    failures.Add(source, e);
                }
            }

            return left;
        });
    }

    /// <summary>What is to be copied: of the cluster, with patterns expanded.</summary>
    protected virtual Task<IReadOnlyList<string>> SourcesAsync(
        VerbContext context, DistFsClient client, IReadOnlyList<string> given) =>
        ExpandAsync(context, client, given);

    /// <summary>Looks at all of it before anything is copied.</summary>
    /// <exception cref="DistFsException">It cannot be meant so.</exception>
    protected virtual void Check(IReadOnlyList<string> sources, string to, bool isInto)
    {
    }

    /// <summary>Whether sources go into the target, and not in its place.</summary>
    protected virtual async Task<bool> IsDirectoryAsync(VerbContext context, DistFsClient client, string to)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(client);
        return await client.TryStatAsync(to, true, context.Cancellation).ConfigureAwait(false)
            is { IsDirectory: true };
    }

    /// <summary>Copies one source.</summary>
    /// <returns>What was left out.</returns>
    protected abstract Task<IReadOnlyList<string>> TransferAsync(
        VerbContext context, DistFsClient client, TransferOptions options, string source, string to, bool isInto);

    /// <summary>Refuses a directory unless it was said that they are meant.</summary>
    protected void RequireRecursive(VerbContext context, string source)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Get(_recursive))
        {
            throw new DistFsException(
                ErrorCatalog.FileRefused,
                $"{source}: is a directory; add -r to {Name} all that is in it",
                null,
                FsStatus.IsADirectory);
        }
    }
}
