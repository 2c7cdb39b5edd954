using DistFS.Client.Chunks;
using DistFS.Client.Cluster;
using DistFS.Client.Files;
using DistFS.Client.Leases;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Frames;
using Google.Protobuf;

namespace DistFS.Client.Nodes;

/// <summary>
/// A cluster by the numbers of its inodes, under leases: what a file system is built on (docs/design/client.md). What
/// the namespace refuses is a status; exceptions say that the cluster does not answer. Any thread.
/// </summary>
public sealed partial class DistFsNodes : IAsyncDisposable
{
    private readonly DistFsClientOptions _options;
    private readonly MetadataChannel _channel;
    private readonly FrameChannels _links;
    private readonly FileContext _files;
    private readonly SessionSource _sessions;
    private readonly ILeaseHolder _holder;
    private volatile LeaseClient? _leases;
    private ulong _handles = (ulong)Random.Shared.NextInt64() << 16;

    private DistFsNodes(DistFsClientOptions options, ILeaseHolder holder)
    {
        (_options, _holder) = (options, holder);
        _channel = new MetadataChannel(options);
        _links = ChunkChannels.Create(options.Agent);
        _sessions = new SessionSource(options, BeginAsync, EndAsync);
        var book = new ServerBook(_channel);
        var reader = new ChunkReader(_links, ChunkReaderOptions.Of(options, book));
        _files = new FileContext(_channel, book, _links, reader, options, () => _sessions.Id);
    }

    /// <summary>Connects, and begins a session.</summary>
    /// <param name="options">Of the client. Files are opened on behalf of its identity, which may open all of
    /// them: who else may is looked at by whoever opens.</param>
    /// <param name="holder">Caches under the session's leases.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">Nobody leads within the client's patience.</exception>
    public static async Task<DistFsNodes> ConnectAsync(
        DistFsClientOptions options, ILeaseHolder holder, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(holder);
        var nodes = new DistFsNodes(options, holder);
        try
        {
            await nodes._sessions.GetAsync(cancellation).ConfigureAwait(false);
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The session that there is, or another one.</summary>
    /// <exception cref="DistFsException">Nobody answers.</exception>
    public async Task<NodeSession> SessionAsync(CancellationToken cancellation) =>
        new(await _sessions.GetAsync(cancellation).ConfigureAwait(false));

    /// <summary>What may be done under the leases that there are, without asking.</summary>
    public LeaseMode ModeOf(InodeId inode) => _leases?.ModeOf(inode) ?? LeaseMode.None;

    /// <summary>For how long leases may be trusted if nothing more is heard of the metaservers.</summary>
    public TimeSpan Believed => _leases?.Believed ?? TimeSpan.Zero;

    /// <summary>Asks for leases.</summary>
    /// <param name="inodes">1 to 1,024.</param>
    /// <param name="mode">To read, or to write.</param>
    /// <param name="wait">For how long others are waited for; zero: nobody is disturbed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>In their order. Those that are just being given up here are not waited for: EAGAIN.</returns>
    /// <exception cref="DistFsException">No session could be begun.</exception>
    public async Task<IReadOnlyList<NodeLease>> AcquireAsync(
        IReadOnlyList<InodeId> inodes, LeaseMode mode, TimeSpan wait, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(inodes);
        await _sessions.GetAsync(cancellation).ConfigureAwait(false);
        if (_leases is not { } leases)
        {
            return [.. inodes.Select(static _ => new NodeLease(LeaseMode.None, FsStatus.TryAgain, null))];
        }

        var outcomes = await leases.AcquireAsync(inodes, mode, wait, null, cancellation).ConfigureAwait(false);
        return Array.ConvertAll(outcomes, static one => new NodeLease(
            one.Mode, one.Status, one.Attributes == null ? null : FileStatus.Of(one.Attributes)));
    }

    /// <summary>
    /// Asks for a lease to write that is not given up before it was used: disposing of what is returned says so.
    /// </summary>
    /// <returns>Also if nothing was granted. Disposed of always, soon, and whatever others do.</returns>
    /// <exception cref="DistFsException">No session could be begun.</exception>
    public async Task<LeasePin> AcquireToWriteAsync(InodeId inode, TimeSpan wait, CancellationToken cancellation)
    {
        await _sessions.GetAsync(cancellation).ConfigureAwait(false);
        var leases = _leases;
        var pin = new LeasePin(leases, inode);
        try
        {
            if (leases != null)
            {
                await leases.AcquireAsync([inode], LeaseMode.Write, wait, pin, cancellation).ConfigureAwait(false);
            }

            return pin;
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Ends when the inode's lease is not being given up: it can be asked for again. Whoever is waited for by the one
    /// who gives it up must not wait for this.
    /// </summary>
    public Task GivenUp(InodeId inode) => _leases?.GivenUp(inode) ?? Task.CompletedTask;

    /// <summary>Leases are given up, since nothing is cached under them any more.</summary>
    public Task ReleaseAsync(IEnumerable<InodeId> inodes) => _leases?.ReleaseAsync(inodes) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _sessions.DisposeAsync().ConfigureAwait(false);
        await _links.DisposeAsync().ConfigureAwait(false);
        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<ClientSession> BeginAsync(CancellationToken cancellation)
    {
        var session = await ClientSession.OpenAsync(_channel, _options, usesLeases: true, cancellation)
            .ConfigureAwait(false);
        _leases = new LeaseClient(session, _channel, _options, _holder);
        return session;
    }

    private async ValueTask EndAsync(ClientSession session)
    {
        if (Interlocked.Exchange(ref _leases, null) is { } leases)
        {
            await leases.DisposeAsync().ConfigureAwait(false);
        }

        // Of one that lives the metaservers are told: nothing is believed of it any more, so nobody waits for it.
        await session.DisposeAsync().ConfigureAwait(false);
        session.End();
    }

    private async Task<NodeReply> DoAsync(Operation operation, FileIdentity caller, CancellationToken cancellation)
    {
        operation.Caller = MetadataChannel.CallerOf(caller);
        return Of(await _sessions.MutateAsync(operation, cancellation).ConfigureAwait(false));
    }

    private async Task<ReadOperationReply> ReadAsync(
        ReadOperation operation, FileIdentity caller, CancellationToken cancellation)
    {
        var request = new ReadRequest { Client = _sessions.Id, Caller = MetadataChannel.CallerOf(caller) };
        request.Operations.Add(operation);
        return (await _channel.ReadAsync(request, cancellation).ConfigureAwait(false))[0];
    }

    private static NodeReply Of(OperationReply reply) => new(
        (FsStatus)reply.Status,
        reply.Status == 0 && reply.Attributes is { } told ? FileStatus.Of(told) : null);

    private static ByteString Bytes(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);
}
