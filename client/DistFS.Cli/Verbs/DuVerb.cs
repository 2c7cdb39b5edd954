using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs du</c>: what directories take.</summary>
internal sealed class DuVerb : ClusterVerb
{
    private readonly Argument<string[]> _paths = Paths("Directories or files [default /]", min: 0);

    private readonly Option<bool> _summarize = new("-s", "--summarize") { Description = "Only the sum of each path" };

    private readonly Option<bool> _all = new("-a", "--all") { Description = "Also files, not only directories" };

    private readonly Option<bool> _apparent = new("--apparent")
    {
        Description = "How long files are; else what is stored for them, holes left out, each copy counted once",
    };

    private readonly Option<bool> _human = new("--human", "-h")
    {
        Description = "Sizes with units also where no terminal is; help is --help",
    };

    private readonly Option<int> _depth =
        CliArguments.Number("-d", "Only so many levels down", byDefault: int.MaxValue, min: 0, max: int.MaxValue);

    public override string Summary => "Show how much space directories take";

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs du -s '/home/*'", "compare what is in several directories"),
        new("dfs du -d 1 --apparent /data", "add up how long files are, one level down"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _depth.Description = "Only so many levels down";
        command.Arguments.Add(_paths);
        command.Options.Add(_summarize);
        command.Options.Add(_all);
        command.Options.Add(_apparent);
        command.Options.Add(_depth);
        command.Options.Add(_human);
    }

    protected override async Task<int> RunAsync(VerbContext context, DistFsClient client)
    {
        var paths = context.Get(_paths) is { Length: > 0 } given ? given : ["/"];
        var (failed, seen, reports) = (ExitCodes.Ok, new HashSet<InodeId>(), new List<DuEntry>());
        var depthMax = context.Get(_summarize) ? 0 : context.Get(_depth);
        var code = await ForEachAsync(context, client, paths, async path =>
        {
            // Directories that are not at their end yet; each is told when something beside it comes.
            var open = new Stack<Sum>();
            await foreach (var item in client.WalkAsync(
                path, failed: (_, e) => failed = Tell(context, failed, e), cancellation: context.Cancellation)
                .ConfigureAwait(false))
            {
                Close(item.Depth);

                // A file with several names is stored once.
                var counts = item.Status.IsDirectory || item.Status.Links == 1 || seen.Add(item.Status.Inode);
                var sum = new Sum(item);
                sum.Add(counts ? item.Status.Size : 0, counts ? item.Status.Allocated : 0, 1);
                if (item.Status.IsDirectory)
                {
                    sum.Apparent = 0;
                }

                open.Push(sum);
            }

            Close(0);

            void Close(int depth)
            {
                while (open.TryPeek(out var done) && done.Item.Depth >= depth)
                {
                    open.Pop();
                    if (open.TryPeek(out var above))
                    {
                        above.Add(done.Apparent, done.Stored, done.Inodes);
                    }

                    if (done.Item.Depth <= depthMax
                        && (done.Item.Status.IsDirectory || done.Item.Depth == 0 || context.Get(_all)))
                    {
                        Show(context, done, reports);
                    }
                }
            }
        }).ConfigureAwait(false);
        if (context.Json && code == ExitCodes.Ok)
        {
            context.WriteJson(new DuReport([.. reports]), DuJson.Default.DuReport);
        }

        return code == ExitCodes.Ok ? failed : code;
    }

    private void Show(VerbContext context, Sum sum, List<DuEntry> reports)
    {
        if (context.Json)
        {
            reports.Add(new DuEntry(sum.Item.Path, sum.Apparent, sum.Stored, sum.Inodes));
            return;
        }

        var bytes = context.Get(_apparent) ? sum.Apparent : sum.Stored;
        var text = context.Get(_human) || context.Host.OutIsTerminal
            ? new ByteSize(bytes).ToString() : bytes.ToString(CultureInfo.InvariantCulture);
        context.Host.Out.WriteLine($"{text}\t{Printable.Of(sum.Item.Path)}");
    }

    /// <summary>Of something and all that is below it.</summary>
    private sealed class Sum(TreeItem item)
    {
        public TreeItem Item => item;

        public long Apparent { get; set; }

        public long Stored { get; private set; }

        public long Inodes { get; private set; }

        public void Add(long apparent, long stored, long inodes) =>
            (Apparent, Stored, Inodes) = (Apparent + apparent, Stored + stored, Inodes + inodes);
    }
}

/// <summary>The document of <c>dfs du --json</c>.</summary>
internal sealed record DuReport(DuEntry[] Entries);

/// <summary>A path with all below it: how long its files are, what is stored for them, how many names it has.</summary>
internal sealed record DuEntry(string Path, long ApparentBytes, long StoredBytes, long Inodes);

[JsonSerializable(typeof(DuReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class DuJson : JsonSerializerContext;
