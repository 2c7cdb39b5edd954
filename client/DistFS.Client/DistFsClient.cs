using DistFS.Client.Appends;
using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Client.Files;
using DistFS.Client.Names;
using DistFS.Client.Transfers;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Frames;

namespace DistFS.Client;

/// <summary>
/// A DistFS cluster as a program uses it (docs/design/client.md): one object for a process, for any number of threads.
/// A caller sees no error when a leader or a chunk server dies, but a pause.
/// </summary>
/// <example>
/// <code>
/// await using var dfs = await DistFsClient.ConnectAsync(
///     new DistFsClientOptions { Metaservers = [RpcAddress.Parse("meta1:7100")] });
/// await dfs.CreateDirectoryAsync("/data");
/// await using (var file = await dfs.CreateFileAsync("/data/hello"))
/// {
///     await file.WriteAsync(0, "Hello, world"u8.ToArray());
/// }
/// </code>
/// </example>
public sealed partial class DistFsClient : IAsyncDisposable
{
    private readonly DistFsClientOptions _options;
    private readonly MetadataChannel _channel;
    private readonly FrameChannels _links;
    private readonly PathCache? _cache;
    private readonly PathResolver _paths;
    private readonly SessionSource _sessions;
    private readonly AppendBook _appends;
    private ulong _handles = (ulong)Random.Shared.NextInt64() << 16;

    private DistFsClient(DistFsClientOptions options)
    {
        _options = options;
        _channel = new MetadataChannel(options);
        _links = ChunkChannels.Create(options.Agent);
        _sessions = new SessionSource(
            options,
            cancellation => ClientSession.OpenAsync(_channel, options, usesLeases: false, cancellation),
            static ended => ended.DisposeAsync());
        _appends = new AppendBook(options);
        Transferring = new TransferMemory(options.MemoryMax);
        _cache = options.CachesNames ? new PathCache(options) : null;
        _paths = new PathResolver(_channel, () => _sessions.Id, _cache);
        var book = new ServerBook(_channel);
        var reading = ChunkReaderOptions.Of(options, book);
        Choice = reading.Choice!;
        Files = new FileContext(
            _channel, book, _links, new ChunkReader(_links, reading), options, () => _sessions.Id);
    }

    internal FileContext Files { get; }

    internal ReplicaChoice Choice { get; }

    internal TransferMemory Transferring { get; }

    /// <summary>What a file that is written has on its way at most.</summary>
    internal long WriteWindowBytes => (long)_options.WritesInFlight * ChunkWriter.RequestBytes;

    /// <summary>Connects: returns when the cluster has answered.</summary>
    /// <exception cref="DistFsException">
    /// Nobody leads the cluster within <see cref="DistFsClientOptions.Patience"/>.
    /// </exception>
    public static async Task<DistFsClient> ConnectAsync(
        DistFsClientOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var client = new DistFsClient(options);
        try
        {
            await client._paths.StatAsync(InodeId.Root, "/", cancellation).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends it. Files that are open are to be closed before: what was not flushed is lost.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_cache != null)
        {
            await _cache.DisposeAsync().ConfigureAwait(false);
        }

        await _appends.DisposeAsync().ConfigureAwait(false);
        await _sessions.DisposeAsync().ConfigureAwait(false);
        await _links.DisposeAsync().ConfigureAwait(false);
        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Opens something, in a new session if the one there was ended before.</summary>
    private async Task<(OpenHandleOf Open, OperationReply Reply)> OpenAsync(
        Func<OpenHandle, Operation> operationOf, string what, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var session = await _sessions.GetAsync(cancellation).ConfigureAwait(false);
            var open = new OpenHandleOf(session, Interlocked.Increment(ref _handles));
            try
            {
                var operation = operationOf(new OpenHandle { Handle = open.Handle, Access = ReadWrite });
                var reply = await WrittenPlace.OneAsync(Files, open, operation, cancellation).ConfigureAwait(false);
                FileErrors.Ensure(reply.Status, what);
                return (open, reply);
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.SessionEnded && attempt < 3)
            {
                // Nothing was opened.
            }
        }
    }

    private async Task<OperationReply> DoAsync(Operation operation, string what, CancellationToken cancellation)
    {
        var reply = await _sessions.MutateAsync(operation, cancellation).ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, what);
        return reply;
    }
}
