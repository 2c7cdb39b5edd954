using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Services;

namespace DistFS.Client.Cluster;

/// <summary>
/// What a client asks of the metaservers, at whichever of them leads. An answer that is no answer yet (nobody leads,
/// others hold a lease, too much to do) is asked for again for as long as the client has patience. Any thread.
/// </summary>
internal sealed partial class MetadataChannel : IAsyncDisposable
{
    // Who is paused must not eat up the time in which another one would answer.
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(500);

    private readonly LeaderChannel _leader;
    private readonly DistFsClientOptions _options;

    public MetadataChannel(DistFsClientOptions options)
    {
        _options = options;
        _leader = new LeaderChannel(options.Metaservers, options.Clock, new LeaderChannelOptions
        {
            Agent = options.Agent,
            PauseMin = PauseMin,
            PauseMax = PauseMax,
            AsksBusyAgain = true,
        });
        Caller = CallerOf(options.Identity);
    }

    /// <summary>On whose behalf is asked what names nobody. Never changed.</summary>
    public Caller Caller { get; }

    /// <summary>Somebody, as the metaservers are told of him.</summary>
    public static Caller CallerOf(FileIdentity identity)
    {
        var caller = new Caller { Uid = identity.Uid, Gid = identity.Gid };
        caller.Groups.AddRange(identity.Groups);
        return caller;
    }

    /// <summary>Reads of one moment.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public async Task<IReadOnlyList<ReadOperationReply>> ReadAsync(
        ReadRequest request, CancellationToken cancellation)
    {
        request.Caller ??= Caller;
        for (var waits = new Waits(_options); ;)
        {
            var reply = (await _leader.AskAsync(
                MetadataMethods.Read, request, static reply => reply, How(waits), cancellation)
                .ConfigureAwait(false)).Reply;
            if (reply.Status == 0)
            {
                return reply.Replies;
            }

            await waits.AgainAsync(reply.Status, reply.Code, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Reads one thing; its status is looked at by the caller.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public async Task<ReadOperationReply> ReadAsync(
        ReadOperation operation, ulong client, CancellationToken cancellation)
    {
        var request = new ReadRequest { Client = client };
        request.Operations.Add(operation);
        return (await ReadAsync(request, cancellation).ConfigureAwait(false))[0];
    }

    /// <summary>A page of a directory; the caller disposes of it. Its status is ENOENT and the like.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public async Task<RpcReply<ReadDirectoryReply>> ReadDirectoryAsync(
        ReadDirectoryRequest request, CancellationToken cancellation)
    {
        request.Caller ??= Caller;
        for (var waits = new Waits(_options); ;)
        {
            var reply = (await _leader.CallAsync(
                MetadataMethods.ReadDirectory, request, static reply => reply, How(waits), cancellation)
                .ConfigureAwait(false)).Reply;
            if (reply.Message.Status != (int)FsStatus.TryAgain)
            {
                return reply;
            }

            reply.Dispose();
            await waits.AgainAsync(reply.Message.Status, reply.Message.Code, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The chunk servers behind one, a page by id.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public async Task<ListServersReply> ListServersAsync(uint after, CancellationToken cancellation)
    {
        var request = new ListServersRequest { After = after };
        for (var waits = new Waits(_options); ;)
        {
            var reply = (await _leader.AskAsync(
                ChunkServersMethods.ListServers, request, static reply => reply.Answer, How(waits), cancellation)
                .ConfigureAwait(false)).Reply;
            if (reply.Answer.Status == 0)
            {
                return reply;
            }

            await waits.AgainAsync(reply.Answer.Status, reply.Answer.Code, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Begins a session, or finds that of the nonce.</summary>
    /// <exception cref="DistFsException">No answer in time, or refused.</exception>
    public async Task<ClientId> OpenSessionAsync(
        ulong nonce, bool usesLeases, CancellationToken cancellation)
    {
        var call = new OpenSessionCall
        {
            Nonce = nonce,
            LeaseMs = (ulong)_options.SessionLease.TotalMilliseconds,
            Leases = usesLeases,
        };
        for (var waits = new Waits(_options); ;)
        {
            var reply = (await _leader.AskAsync(
                MetadataMethods.OpenSession, call, static reply => reply, How(waits), cancellation)
                .ConfigureAwait(false)).Reply;
            if (reply.Status == 0)
            {
                return new ClientId(reply.OpenSession.Client);
            }

            await waits.AgainAsync(reply.Status, reply.Code, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Says that the session is alive.</summary>
    /// <exception cref="DistFsException">No answer in time, or it is over.</exception>
    public async Task KeepAliveAsync(ClientId session, TimeSpan limit, CancellationToken cancellation)
    {
        var how = new LeaderCall(limit, AttemptMax, Lane.Priority);
        var reply = (await _leader.AskAsync(
            MetadataMethods.KeepAlive,
            new KeepAliveCall { Client = session.Value },
            static reply => reply,
            how,
            cancellation).ConfigureAwait(false)).Reply;
        if (reply.Status != 0)
        {
            throw Error(reply.Status, reply.Code);
        }
    }

    /// <summary>
    /// Says that the session is over: what it had open is closed now, and not when its lease is over.
    /// </summary>
    /// <exception cref="DistFsException">No answer in time, or it was over.</exception>
    public async Task EndSessionAsync(ClientId session, TimeSpan limit)
    {
        var reply = (await _leader.AskAsync(
            MetadataMethods.EndSession,
            new EndSessionCall { Client = session.Value },
            static reply => reply,
            new LeaderCall(limit, AttemptMax),
            CancellationToken.None).ConfigureAwait(false)).Reply;
        if (reply.Status != 0)
        {
            throw Error(reply.Status, reply.Code);
        }
    }

    /// <summary>
    /// Does operations, once: the call has a number of a session, so it may be sent as often as needed.
    /// </summary>
    /// <returns>
    /// The reply, and whether an earlier attempt may have been executed, of which no answer came. EAGAIN only if none
    /// may: then it may be asked again under another number.
    /// </returns>
    /// <exception cref="DistFsException">No answer in time, or refused as a whole.</exception>
    public async Task<(MetadataReply Reply, bool MayBeDone)> MutateAsync(
        MutateCall call, Waits waits, CancellationToken cancellation)
    {
        for (var mayBeDone = false; ;)
        {
            var answer = await _leader.AskAsync(
                MetadataMethods.Mutate, call, static reply => reply, How(waits), cancellation).ConfigureAwait(false);
            mayBeDone |= answer.MayBeDone;
            if (!mayBeDone || answer.Reply.Status != (int)FsStatus.TryAgain)
            {
                return (answer.Reply, mayBeDone);
            }

            await waits.AgainAsync(answer.Reply.Status, answer.Reply.Code, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>What a metaserver refused as a whole, as an exception.</summary>
    public static DistFsException Error(int status, int code) =>
        ErrorCatalog.TryFind($"DFS{code:0000}", out var known)
            ? new DistFsException(known, $"The metaservers say: {known.Title}.", null, (FsStatus)status)
            : new DistFsException(
                ErrorCatalog.FileRefused,
                $"The metaservers refused it: {((FsStatus)status).ToPosixName()}.",
                null,
                (FsStatus)status);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _leader.DisposeAsync();

    private static LeaderCall How(Waits waits) => new(waits.Left, AttemptMax);

    /// <summary>Of one operation: how long yet, and pauses between attempts.</summary>
    internal sealed class Waits(DistFsClientOptions options, TimeSpan patience)
    {
        private readonly long _from = options.Clock.GetTimestamp();
        private TimeSpan _pause = PauseMin;

        /// <summary>With the patience that clients have.</summary>
        public Waits(DistFsClientOptions options)
            : this(options, options.Patience)
        {
        }

        /// <summary>At least a moment: an attempt is made in any case.</summary>
        public TimeSpan Left
        {
            get
            {
                var left = patience - options.Clock.GetElapsedTime(_from);
                return left > PauseMin ? left : PauseMin;
            }
        }

        /// <summary>Whether the patience has come to its end.</summary>
        public bool IsOver => options.Clock.GetElapsedTime(_from) >= patience;

        /// <summary>Waits a little before the same is asked again.</summary>
        /// <exception cref="DistFsException">It is no answer that passes, or the patience is over.</exception>
        public async Task AgainAsync(int status, int code, CancellationToken cancellation)
        {
            if (status != (int)FsStatus.TryAgain || IsOver)
            {
                throw Error(status, code);
            }

            await PauseAsync(cancellation).ConfigureAwait(false);
        }

        /// <summary>Each twice the one before, with jitter.</summary>
        public async Task PauseAsync(CancellationToken cancellation)
        {
            var pause = _pause * (0.5 + (Random.Shared.NextDouble() / 2));
            _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
            await Task.Delay(pause, options.Clock, cancellation).ConfigureAwait(false);
        }
    }
}
