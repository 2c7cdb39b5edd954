using DistFS.Blocks;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;

namespace DistFS.Client.Chunks;

/// <summary>
/// Writes one chunk over the chain of its servers (docs/design/chain.md): many writes under way at a time, in the order
/// in which they were begun, and begun again in another version when a server fails.
/// </summary>
/// <remarks>Begin writes from one thread at a time.</remarks>
public sealed partial class ChunkWriter : IAsyncDisposable
{
    /// <summary>Bytes of one request before compression: 16 blocks.</summary>
    public const int RequestBytes = 16 * ChunkLayout.BlockBytes;

    // For this object alone: another one that writes in the same version is another writer, if of the same session too.
    private readonly ulong _writer;
    private readonly IChunkVersions _versions;
    private readonly IRpcCallers _links;
    private readonly ChunkWriterOptions _options;
    private readonly Lock _gate = new();

    // Under the gate, in the order of their numbers: not acknowledged yet.
    private readonly LinkedList<PendingWrite> _pending = [];
    private int _calls;
    private TaskCompletionSource? _callsEnd;

    // Who waits for room hears of an error by what he does next.
    private readonly Turnstile _window;
    private readonly ShellScheduler _scheduler;

    // Neither has a timer or a wait handle: nothing to dispose of, and whoever holds their tokens may be late.
    private readonly CancellationTokenSource _ended = new();
    private CancellationTokenSource _version = new();
    private ChunkTarget _target;
    private ulong _sequence;
    private bool _begins;
    private uint _acknowledged;

    // Acknowledged writes that were not durable by themselves, and as many of them as a sync has covered.
    private long _volatile;

    // Something was acknowledged in this version.
    private bool _isUsed;
    private long _synced;
    private Task? _recovery;
    private DistFsException? _error;

    /// <summary>Begins to write.</summary>
    /// <param name="target">A version of the chunk in which nobody has written yet.</param>
    /// <param name="versions">Whom to ask when a server fails.</param>
    /// <param name="links">Connections.</param>
    /// <param name="options">Limits.</param>
    public ChunkWriter(
        ChunkTarget target, IChunkVersions versions, IRpcCallers links, ChunkWriterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _versions, _links) = (target, versions, links);
        _options = options ?? new ChunkWriterOptions();
        _writer = _options.Writer != 0 ? _options.Writer : (ulong)Random.Shared.NextInt64() | 1;
        _scheduler = _options.Scheduler;
        _window = _options.Window ?? new Turnstile(_scheduler, _options.RequestsMax);
        (_acknowledged, _begins) = (target.StoredLength, target.StoredLength == 0);
    }

    /// <summary>The version that is written to at the moment.</summary>
    public ChunkTarget Target
    {
        get
        {
            lock (_gate)
            {
                return _target;
            }
        }
    }

    /// <summary>Bytes from its start that every server of the chunk has, if they were written front to back.</summary>
    public uint AcknowledgedLength
    {
        get
        {
            lock (_gate)
            {
                return _acknowledged;
            }
        }
    }

    /// <summary><see cref="Target"/> and <see cref="AcknowledgedLength"/> of one moment.</summary>
    public (ChunkTarget Target, uint Length) Acknowledged
    {
        get
        {
            lock (_gate)
            {
                return (_target, _acknowledged);
            }
        }
    }

    /// <summary>
    /// As <see cref="Acknowledged"/>, of what may be committed: nothing, as long as nothing was acknowledged in this
    /// version. What was before is in what it began with, and a server that has not heard of it lacks nothing.
    /// </summary>
    public (ChunkTarget Target, uint Length) AcknowledgedHere
    {
        get
        {
            lock (_gate)
            {
                return (_target, _isUsed ? _acknowledged : 0);
            }
        }
    }

    /// <summary>Whether something was acknowledged that no sync has made durable.</summary>
    public bool HasUnsynced
    {
        get
        {
            lock (_gate)
            {
                return _volatile > _synced;
            }
        }
    }

    /// <summary>How often a version had to be begun.</summary>
    public int Recoveries { get; private set; }

    /// <summary>Waits until everything that was begun is acknowledged.</summary>
    /// <exception cref="DistFsException">It cannot be.</exception>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        for (; ; )
        {
            Task? last;
            lock (_gate)
            {
                last = _error != null ? Task.FromException(_error) : _pending.Last?.Value.Done;
            }

            if (last == null)
            {
                return;
            }

            await last.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Makes everything that was begun durable on all servers of the chunk.</summary>
    /// <exception cref="DistFsException">It cannot be.</exception>
    public Task SyncAsync(CancellationToken cancellation) => SyncAsync(isSeal: false, cancellation);

    /// <summary>
    /// As <see cref="SyncAsync(CancellationToken)"/>, and nothing more is written in this version: any server may serve
    /// all of the chunk from here on, after it started again too. Whoever writes on begins a version.
    /// </summary>
    /// <exception cref="DistFsException">It cannot be.</exception>
    public Task SealAsync(CancellationToken cancellation) => SyncAsync(isSeal: true, cancellation);

    /// <summary>
    /// Begins another version though no server failed: the metaservers know a later one than this writer. Whether it
    /// could be is seen by whatever comes next.
    /// </summary>
    public Task RenewAsync(CancellationToken cancellation)
    {
        var target = Target;
        return RecoverAsync(
            target, new WriteFailure(target.Head.Id, ErrorCatalog.ChunkVersionOver, "Somebody else began a version."))
            .WaitAsync(cancellation);
    }

    /// <summary>Gives up what is not acknowledged yet.</summary>
    public async ValueTask DisposeAsync()
    {
        FailAll(new DistFsException(ErrorCatalog.Cancelled, "The writer was disposed of."));
        Task recovery;
        lock (_gate)
        {
            recovery = _recovery ?? Task.CompletedTask;
        }

        await _scheduler.Shared(recovery).ConfigureAwait(false);
        await CallsEndAsync().ConfigureAwait(false);
    }

    /// <summary>Puts a write behind the others, and sends it unless a version is being begun.</summary>
    private Task Send(PendingWrite write, Task before)
    {
        lock (_gate)
        {
            if (_error != null)
            {
                _window.Leave();
                throw new DistFsException(_error.Code, _error.Message, _error);
            }

            _pending.AddLast(write);
            if (_recovery is not { IsCompleted: false })
            {
                Start(write);
            }
        }

        // Acknowledged in order, so the last one speaks for all; but a failure of an earlier one is its own.
        return before.IsCompletedSuccessfully ? write.Done : Task.WhenAll(before, write.Done);
    }

    /// <summary>Under the gate, so that the connection gets them in order.</summary>
    private void Start(PendingWrite write)
    {
        (write.Sequence, write.IsReplied) = (++_sequence, false);
        _calls++;
        _ = CallAsync(write, _target, _begins, _version.Token);
    }

    /// <summary>Never fails: what goes wrong is the version's failure, or the writer's.</summary>
    private async Task CallAsync(PendingWrite write, ChunkTarget target, bool begins, CancellationToken version)
    {
        try
        {
            var request = new WriteChunkRequest
            {
                Name = target.Name,
                Server = target.Head.Id.Value,
                Writer = _writer,
                Sequence = write.Sequence,
                Begins = begins,
                Durable = write.IsDurable,
                Members = (uint)target.Servers.Count,
            };
            request.Chain.AddRange(HopsOf(target));
            var failure = await TryAsync(request, write.Pieces, target, version).ConfigureAwait(false);
            if (failure == null)
            {
                Acknowledge(write, target);
            }
            else
            {
                _ = RecoverAsync(target, failure);
            }
        }
        catch (OperationCanceledException) when (version.IsCancellationRequested)
        {
            // Repeated in the next version, if there is one.
        }
        catch (Exception e)
        {
            // A defect, or connections that were disposed of: nothing is left waiting.
            FailAll(new DistFsException(ErrorCatalog.Internal, e.Message, e));
        }
        finally
        {
            lock (_gate)
            {
                if (--_calls == 0 && _callsEnd is { } end)
                {
                    _callsEnd = null;
                    _scheduler.Complete(end);
                }
            }
        }
    }

    private async Task<WriteFailure?> TryAsync(
        WriteChunkRequest request, ReadOnlyMemory<byte> pieces, ChunkTarget target, CancellationToken version)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var reply = await _links.To(target.Head.Address)
                    .CallAsync(
                        ChunkDataMethods.Write,
                        request,
                        new CallOptions(_options.CallTimeout, pieces, Cancellation: version))
                    .ConfigureAwait(false);
                return WriteFailure.Of(reply.Message);
            }
            catch (DistFsException e)
            {
                // The same number once more: what has come is not stored twice.
                if (attempt == _options.SendsMax || e.Code == ErrorCatalog.DeadlineExceeded)
                {
                    return new WriteFailure(target.Head.Id, e.Code, e.Message);
                }
            }
        }
    }

    /// <summary>
    /// Replies come in any order; writes are acknowledged in theirs. Else one that is repeated in another version would
    /// come to lie over a later one that its caller has been told of.
    /// </summary>
    private void Acknowledge(PendingWrite write, ChunkTarget target)
    {
        var done = new List<PendingWrite>();
        lock (_gate)
        {
            if (!ReferenceEquals(target, _target))
            {
                return;
            }

            write.IsReplied = true;
            while (_pending.First is { Value.IsReplied: true } first)
            {
                _pending.RemoveFirst();
                done.Add(first.Value);
                _acknowledged = Math.Max(_acknowledged, first.Value.End);
                _volatile += first.Value.IsDurable ? 0 : 1;
                (_begins, _isUsed) = (false, true);
                _failedInARow = 0;
            }
        }

        foreach (var one in done)
        {
            one.Complete();
            _window.Leave();
        }
    }

    private static IEnumerable<ChainHop> HopsOf(ChunkTarget target) => target.Servers.Skip(1)
        .Select(static server => new ChainHop { Server = server.Id.Value, Address = server.Address });
}
