using DistFS.Metadata.Servers;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>A copy of a chunk as its server has it.</summary>
/// <param name="Version">The version that it came to.</param>
/// <param name="Length">Bytes that it has.</param>
public readonly record struct StoredCopy(uint Version, uint Length);

/// <summary>
/// A chunk server: it registers, and knows what it has; it dies and comes back, and its disk may be lost.
/// </summary>
public sealed class SimulatedChunkServer : IClient
{
    private readonly World _world;
    private readonly ChunkServers _servers;
    private readonly Prng _prng;
    private readonly LeaderCall _call;
    private readonly Queue<DeleteOrder> _deleted = new();
    private ulong _store;
    private ulong _run;
    private ulong _runBefore;
    private bool _isRegistered;
    private bool _isKnown;

    /// <summary>A server with an empty disk.</summary>
    public SimulatedChunkServer(World world, ChunkServers servers, ulong endpoint, int number, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(prng);
        (_world, _servers, _prng, Number) = (world, servers, prng, number);
        _call = new LeaderCall(world, prng.Fork(), endpoint);
        (_store, _run) = (prng.NextUInt64() | 1, prng.NextUInt64() | 1);
    }

    /// <summary>Which machine.</summary>
    public int Number { get; }

    /// <summary>Its id, once it has one.</summary>
    public ServerId Id { get; private set; }

    /// <summary>Its run.</summary>
    public ulong Run => _run;

    /// <summary>Whether the process runs and the cluster knows it.</summary>
    public bool Serves => IsAlive && _isRegistered;

    /// <summary>Whether the process runs.</summary>
    public bool IsAlive { get; private set; }

    /// <summary>The copies on its disk, by chunk.</summary>
    public SortedDictionary<ulong, StoredCopy> Copies { get; } = [];

    /// <summary>Up to where it knows of the log: what it has now, it has with all that was told until then.</summary>
    public LogIndex Position { get; set; }

    /// <summary>Whether everything that it deleted was told.</summary>
    public bool HasTold => _deleted.Count == 0;

    /// <inheritdoc/>
    public int Budget { get; set; }

    /// <inheritdoc/>
    public bool IsDone => true;

    /// <inheritdoc/>
    public int Done => 0;

    /// <inheritdoc/>
    public void Think(double meanMicroseconds)
    {
        // It does what it is asked.
    }

    /// <inheritdoc/>
    public void Receive(ulong from, ClientReply reply) => _call.Receive(from, reply);

    /// <summary>The process starts.</summary>
    public void Start()
    {
        if (IsAlive)
        {
            return;
        }

        IsAlive = true;
        if (_isKnown)
        {
            // Not before the cluster has said that it knows the run before: else it may know another than is named.
            (_runBefore, _run, _isKnown) = (_run, _prng.NextUInt64() | 1, false);
        }

        Register();
    }

    /// <summary>The process ends; its disk stays.</summary>
    public void Stop()
    {
        if (!IsAlive)
        {
            return;
        }

        _world.Trace.Line($"{this} stops");
        (IsAlive, _isRegistered) = (false, false);
        _deleted.Clear();
        _call.Abandon();
    }

    /// <summary>Its disk is lost: what starts next is another server.</summary>
    public void LoseDisk()
    {
        Stop();
        _world.Trace.Line($"{this} loses its disk");
        _servers.Lost(this);
        Copies.Clear();
        (_store, _run, _runBefore, _isKnown) = (_prng.NextUInt64() | 1, _prng.NextUInt64() | 1, 0, false);
        (Id, Position) = (default, default);
    }

    /// <summary>
    /// Bytes come for a version of a chunk: what the server has beyond the length with which that version began goes
    /// first. False: it does not run, or knows of a later version.
    /// </summary>
    public bool TryWrite(ChunkInfo chunk, uint length)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        var copy = Copies.GetValueOrDefault(chunk.Chunk);
        if (!Serves || copy.Version > chunk.Version)
        {
            return false;
        }

        var kept = copy.Version < chunk.Version ? Math.Min(copy.Length, chunk.StoredLength) : copy.Length;

        // It has missed something that was committed before this version began.
        if (kept < chunk.StoredLength)
        {
            return false;
        }

        Copies[chunk.Chunk] = new StoredCopy(chunk.Version, Math.Max(kept, length));
        return true;
    }

    /// <summary>Deletes a copy, unless it is newer than that.</summary>
    public void Delete(DeleteOrder order)
    {
        ArgumentNullException.ThrowIfNull(order);
        var (chunk, version) = (order.Chunk, order.Version);
        if (!Serves)
        {
            return;
        }

        if (Copies.TryGetValue(chunk, out var copy) && copy.Version <= version)
        {
            _servers.MayDelete(this, chunk, copy);
            Copies.Remove(chunk);
        }

        if (!_deleted.Contains(order))
        {
            _deleted.Enqueue(order);
        }

        TellDeleted();
    }

    /// <summary>All that it has, as it reports it.</summary>
    public List<ReportedCopy> Report() => [.. Copies.Select(static copy => new ReportedCopy(
        new ChunkId(copy.Key), new ChunkVersion(copy.Value.Version), copy.Value.Length))];

    /// <inheritdoc/>
    public override string ToString() => $"server {Number} {Id}";

    private void Register()
    {
        if (!IsAlive || _call.IsBusy)
        {
            return;
        }

        var command = new MetadataCommand
        {
            RegisterServer = new RegisterServerRequest
            {
                Server = Id.Value,
                Store = _store,
                Incarnation = _run,
                PreviousIncarnation = _runBefore,
                Address = $"host{Number}:1",
                Rack = $"rack{Number}",
                CapacityBytes = 1UL << 40,
            },
        };
        _call.Begin(
            command.ToByteArray(),
            byQuery: false,
            bytes =>
            {
                var reply = MetadataReply.Parser.ParseFrom(bytes);
                if (reply.Status == (int)FsStatus.TryAgain)
                {
                    return false;
                }

                if (reply.Status != 0)
                {
                    throw new InvariantException("servers can register", $"{this}: {reply}");
                }

                Id = new ServerId(reply.RegisterServer.Server);
                (_isRegistered, _isKnown) = (true, true);
                _world.Trace.Line($"{this} is registered");
                return true;
            },
            () => _world.Queue.After(100_000, Register));
    }

    private void TellDeleted()
    {
        if (!Serves || _call.IsBusy || _deleted.Count == 0)
        {
            return;
        }

        DeleteOrder[] told = [.. _deleted];
        var command = new MetadataCommand
        {
            ConfirmDeleted = new ConfirmDeletedRequest { Server = Id.Value, Incarnation = _run, Deleted = { told } },
        };
        _call.Begin(
            command.ToByteArray(),
            byQuery: false,
            _ =>
            {
                while (_deleted.TryPeek(out var order) && told.Contains(order))
                {
                    _deleted.Dequeue();
                }

                TellDeleted();
                return true;
            },
            () => _world.Queue.After(100_000, TellDeleted));
    }
}
