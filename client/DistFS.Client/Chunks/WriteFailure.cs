using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Chunks;

/// <summary>A write, or a sync, that a chain did not take.</summary>
/// <param name="Server">Where it failed.</param>
/// <param name="Code">What happened.</param>
/// <param name="Message">For people.</param>
internal sealed record WriteFailure(ServerId Server, ErrorCode Code, string Message)
{
    /// <summary>
    /// Whether the server is left out of the next version. It is not where only the version has come to its end.
    /// </summary>
    public bool IsOfServer => Code != ErrorCatalog.ChunkVersionStale && Code != ErrorCatalog.ChunkVersionOver;

    /// <summary>What a reply says; null: it was taken.</summary>
    public static WriteFailure? Of(WriteChunkReply reply) => reply.Status == 0
        ? null
        : new WriteFailure(
            new ServerId(reply.Server),
            ErrorCatalog.TryFind($"DFS{reply.Code:0000}", out var code) ? code : ErrorCatalog.ChainBroken,
            reply.Message);

    /// <summary>For the caller, when nothing helps.</summary>
    public DistFsException ToException() => new(Code, $"{Server}: {Message}");
}

/// <summary>Limits of a <see cref="ChunkWriter"/>.</summary>
public sealed record ChunkWriterOptions
{
    /// <summary>Requests under way at a time; each up to 1 MiB, held in memory until acknowledged. Default 8.</summary>
    public int RequestsMax { get; init; } = 8;

    /// <summary>Of a request. Default 30 s: connections notice a silent server long before.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>So often a request is sent in one version, when its connection is lost. Default 2.</summary>
    public int SendsMax { get; init; } = 2;

    /// <summary>
    /// So many versions in a row may fail before anything is acknowledged, however long that takes. Default 30: about
    /// 25 s.
    /// </summary>
    public int AttemptsMax { get; init; } = 30;

    /// <summary>Until then there may be more than these. Default 0.</summary>
    public TimeSpan Patience { get; init; }

    /// <summary>Names the writer to servers, in place of what is drawn; 0 for none.</summary>
    internal ulong Writer { get; init; }

    /// <summary>Shared with writers of other chunks, in place of <see cref="RequestsMax"/>; null: its own.</summary>
    internal Turnstile? Window { get; init; }

    /// <summary>Where it goes on.</summary>
    internal ShellScheduler Scheduler { get; init; } = ShellScheduler.Pool;

    /// <summary>Before another version, when the last one came to nothing: 50 ms, doubled up to 1 s.</summary>
    internal static TimeSpan PauseAfter(int failures) =>
        TimeSpan.FromMilliseconds(Math.Min(50 << Math.Min(failures - 1, 10), 1_000));
}
