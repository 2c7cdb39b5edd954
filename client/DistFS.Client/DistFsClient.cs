using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Client.Files;
using DistFS.Client.Names;
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
    private readonly PathResolver _paths;
    private readonly SemaphoreSlim _opening = new(1);
    private ClientSession? _session;
    private ulong _handles = (ulong)Random.Shared.NextInt64() << 16;

    private DistFsClient(DistFsClientOptions options)
    {
        _options = options;
        _channel = new MetadataChannel(options);
        _links = ChunkChannels.Create(options.Agent);
        _paths = new PathResolver(_channel, () => Volatile.Read(ref _session)?.Id.Value ?? 0);
        var reader = new ChunkReader(_links, new ChunkReaderOptions { Preference = Random.Shared.Next() });
        Files = new FileContext(_channel, new ServerBook(_channel), _links, reader, options);
    }

    internal FileContext Files { get; }

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
        if (Interlocked.Exchange(ref _session, null) is { } session)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }

        await _links.DisposeAsync().ConfigureAwait(false);
        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<ClientSession> SessionAsync(CancellationToken cancellation)
    {
        if (_session is { IsEnded: false } session)
        {
            return session;
        }

        await _opening.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_session is { IsEnded: false } known)
            {
                return known;
            }

            if (Interlocked.Exchange(ref _session, null) is { } ended)
            {
                await ended.DisposeAsync().ConfigureAwait(false);
            }

            var begun = await ClientSession
                .OpenAsync(_channel, _options, usesLeases: false, cancellation)
                .ConfigureAwait(false);
            Volatile.Write(ref _session, begun);
            return begun;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>
    /// Operations in one request. In a new session, if the one there was ended before any of it could be done.
    /// </summary>
    private async Task<IReadOnlyList<OperationReply>> MutateAsync(
        MutateRequest request, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var session = await SessionAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await session.MutateAsync(request, cancellation).ConfigureAwait(false);
            }
            catch (DistFsException e) when (e.Code == ErrorCatalog.SessionEnded && attempt < 3)
            {
                // Nothing of it was done: what was open is closed, which a name does not mind.
            }
        }
    }

    /// <summary>Opens something, in a new session if the one there was ended before.</summary>
    private async Task<(OpenHandleOf Open, OperationReply Reply)> OpenAsync(
        Func<OpenHandle, Operation> operationOf, string what, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var session = await SessionAsync(cancellation).ConfigureAwait(false);
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

    /// <summary>One operation; asked again while it says EAGAIN.</summary>
    private async Task<OperationReply> MutateAsync(Operation operation, CancellationToken cancellation)
    {
        var request = new MutateRequest();
        request.Operations.Add(operation);
        for (var waits = new MetadataChannel.Waits(_options); ;)
        {
            var reply = (await MutateAsync(request, cancellation).ConfigureAwait(false))[0];
            if (reply.Status != (int)FsStatus.TryAgain || waits.IsOver)
            {
                return reply;
            }

            await waits.PauseAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task<OperationReply> DoAsync(Operation operation, string what, CancellationToken cancellation)
    {
        var reply = await MutateAsync(operation, cancellation).ConfigureAwait(false);
        FileErrors.Ensure(reply.Status, what);
        return reply;
    }
}
