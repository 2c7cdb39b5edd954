using DistFS.Metadata.Leases;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// A client with a cache: it reads from it under read leases, buffers writes under write leases, gives up what is
/// recalled, reclaims after a change of leader; and sleeps, dies, or is deaf to recalls.
/// </summary>
public sealed partial class LeaseClient : IClient, ILeaseHolder
{
    // Of the lease time a client uses so much, by its own clock: the leader's may run so much faster.
    private const double Usable = 7.0 / 8;
    private const double RateMin = 0.94;
    private const double RateMax = 1.06;

    private readonly World _world;
    private readonly MetadataWorkload _workload;
    private readonly Prng _prng;
    private readonly LeaderCall _call;
    private readonly ulong _endpoint;
    private readonly double _rate;
    private readonly SortedDictionary<ulong, Held> _held = [];
    private readonly Dictionary<ulong, ulong> _voids = [];
    private int _life;
    private ulong _leaseMs;
    private ulong _sequence;
    private ulong _epoch;
    private bool _isReclaimed;
    private bool _isReclaiming;
    private ulong _seen;
    private double _validUntil;
    private long _asleepUntil;
    private long _deafUntil;
    private bool _isBusy;
    private bool _isOver;

    /// <summary>A client that is about to start.</summary>
    public LeaseClient(World world, MetadataWorkload workload, int number, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(prng);
        (_world, _workload, _prng) = (world, workload, prng);
        _endpoint = SimulatedNetwork.FirstClient + (ulong)number;
        _call = new LeaderCall(world, prng.Fork(), _endpoint);
        _rate = DrawRate(prng);
    }

    /// <inheritdoc/>
    public ClientId Session { get; private set; }

    /// <inheritdoc/>
    public int Budget { get; set; }

    /// <inheritdoc/>
    public bool IsDone => !_isBusy && !_call.IsBusy && Budget <= 0 && (!_world.IsQuieting || _isOver);

    /// <inheritdoc/>
    public int Done { get; private set; }

    private bool IsTrusted => Session.Value != 0 && _isReclaimed && Clock < _validUntil;

    private double Clock => _world.Queue.Now * _rate;

    private LeasedValues Values => _workload.Leased;

    /// <summary>How fast a clock is: of two that are drawn, neither is more than an eighth faster.</summary>
    public static double DrawRate(Prng prng)
    {
        ArgumentNullException.ThrowIfNull(prng);
        return RateMin + ((RateMax - RateMin) * prng.NextDouble());
    }

    /// <inheritdoc/>
    public LeaseMode Believes(ulong inode) => IsTrusted && _held.TryGetValue(inode, out var held)
        && (!held.IsRecalled || held.Dirty != null) ? held.Mode : LeaseMode.None;

    /// <inheritdoc/>
    public void Think(double meanMicroseconds) =>
        _world.Queue.After((long)DiskFaults.Exponential(_prng, meanMicroseconds), Next);

    /// <inheritdoc/>
    public void Receive(ulong from, ClientReply reply) => _call.Receive(from, reply);

    /// <inheritdoc/>
    public override string ToString() => $"lease client {Session}";

    private void Next()
    {
        if (_isBusy || _call.IsBusy || _isOver)
        {
            return;
        }

        if (_asleepUntil > _world.Queue.Now)
        {
            _world.Queue.At(_asleepUntil, Next);
        }
        else if (!_workload.Places.IsReady)
        {
            Think(_world.ThinkMicroseconds);
        }
        else if (Session.Value == 0)
        {
            OpenSession();
        }
        else if (Budget > 0)
        {
            Budget--;
            Act();
        }
        else if (_world.IsQuieting)
        {
            End();
        }
    }

    private void OpenSession()
    {
        _leaseMs = (ulong)_prng.NextInt32(1_000, _workload.Options.LeaseMsMax);
        _call.Begin(
            _workload.NextSession(_leaseMs, leases: true).ToByteArray(),
            byQuery: false,
            bytes =>
            {
                if (MetadataReply.Parser.ParseFrom(bytes) is not { Status: 0 } reply)
                {
                    return false;
                }

                Begin(new ClientId(reply.OpenSession.Client));
                Think(0);
                return true;
            },
            () => Think(_world.ThinkMicroseconds));
    }

    private void Begin(ClientId session)
    {
        Session = session;
        (_sequence, _epoch, _seen, _validUntil) = (0, 0, 0, 0);
        (_isReclaimed, _isReclaiming) = (false, false);
        _deafUntil = 0;
        Poll();
    }

    /// <summary>What it has is over; a call under way is forgotten.</summary>
    private void Forget(string why)
    {
        _world.Trace.Line($"{this} {why}");
        foreach (var held in _held.Values)
        {
            held.IsGone = true;
        }

        // What is buffered is lost when the session is over in the log: it may be on its way.
        _held.Clear();
        _voids.Clear();
        _pending.Clear();
        _life++;
        Session = default;
        if (_isBusy)
        {
            Finish();
        }
    }

    private void Finish()
    {
        _isBusy = false;
        Done++;
        Think(_world.ThinkMicroseconds);
    }

    /// <summary>Politely, or by silence.</summary>
    private void End()
    {
        _isOver = true;
        var session = Session;
        Forget("is over");
        if (_prng.Chance(0.5))
        {
            var command = new MetadataCommand { Client = session.Value, EndSession = new EndSessionRequest() };
            _call.Begin(command.ToByteArray(), byQuery: false, static _ => true, static () => { });
        }
    }

    /// <summary>A lease, as its client knows it.</summary>
    private sealed class Held(ulong inode, LeaseMode mode, ulong grant, ulong value)
    {
        public ulong Inode => inode;

        public LeaseMode Mode { get; set; } = mode;

        public ulong Grant { get; set; } = grant;

        /// <summary>What its readers are told.</summary>
        public ulong Value { get; set; } = value;

        /// <summary>What is buffered.</summary>
        public LeasedValue? Dirty { get; set; }

        /// <summary>It is being given up: nothing more is done under it.</summary>
        public bool IsRecalled { get; set; }

        /// <summary>What of it stays then.</summary>
        public LeaseMode Keep { get; set; }

        /// <summary>It is no more.</summary>
        public bool IsGone { get; set; }

        /// <summary>Whether it is being sent.</summary>
        public bool IsFlushing { get; set; }
    }
}
