using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Leases;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Store;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// What a metaserver does about leases, one for each life of a process: the shipped <see cref="LeaseTable"/> and
/// <see cref="LeaseRules"/>, joined to the log as the product's shell does it (docs/design/leases.md).
/// </summary>
public sealed partial class LeaseLeader
{
    private const long LookMicroseconds = 100_000;
    private const long SilentMs = 1_000;

    private readonly World _world;
    private readonly MetadataWorkload _workload;
    private readonly SimulatedNode _node;
    private readonly LeaseTable _table;
    private readonly double _rate;
    private readonly SortedSet<ulong> _toEnd = [];
    private readonly List<Action<bool>> _beginners = [];
    private ulong _beginning;
    private long _lookedMs;

    /// <summary>For a process that starts.</summary>
    public LeaseLeader(World world, MetadataWorkload workload, SimulatedNode node, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(workload);
        ArgumentNullException.ThrowIfNull(prng);
        (_world, _workload, _node) = (world, workload, node);
        _rate = LeaseClient.DrawRate(prng);
        _table = new LeaseTable(new LeaseOptions
        {
            SessionLeasesMax = workload.Options.LeasesMax,
            RecallMsMax = workload.Options.RecallMsMax,
        });
    }

    private IOrderedStore Rows => ((MetadataMachineAdapter)_node.Machine!).Published;

    // By its own clock, which goes on while the process does not.
    private long NowMs => (long)(_world.Queue.Now * _rate / 1_000);

    private ulong Term => _node.Leads ? _node.Status!.Term.Value : 0;

    private bool IsCurrent => _table.Epoch != 0 && _table.Epoch == Term;

    /// <summary>Begins to look around; ends with the process.</summary>
    public void Start() => _node.Do(LookMicroseconds, LookAround);

    /// <summary>A session asks.</summary>
    public void Receive(LeaseCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        Begin(isLeading =>
        {
            if (isLeading)
            {
                Handle(call);
            }
            else
            {
                Refuse(call, LeaseRefusal.NotLeader);
            }
        });
    }

    /// <summary>
    /// The table is that of the term in which this member leads. It begins when everything of earlier terms is applied,
    /// which a ReadIndex says.
    /// </summary>
    private void Begin(Action<bool> then)
    {
        if (IsCurrent)
        {
            then(true);
            return;
        }

        if (_table.Epoch != 0)
        {
            _table.Stop();
            _toEnd.Clear();
            Dispatch();
        }

        var term = Term;
        if (term == 0)
        {
            then(false);
            return;
        }

        _beginners.Add(then);
        if (_beginning == term)
        {
            return;
        }

        _beginning = term;
        _node.ReadIndex(isGranted =>
        {
            if (isGranted && Term == term && _table.Epoch != term)
            {
                _world.Trace.Line($"{_node} grants leases in {term}");
                _table.Begin(term, LeaseHolders.In(Rows), NowMs);
                Dispatch();
            }

            _beginning = 0;
            var waiting = _beginners.ToArray();
            _beginners.Clear();
            Array.ForEach(waiting, one => one(IsCurrent));
        });
    }

    private void LookAround()
    {
        _node.Do(LookMicroseconds, LookAround);
        Begin(isLeading =>
        {
            if (!isLeading)
            {
                return;
            }

            _table.Tick(NowMs);
            Dispatch();
            LookForEnded();
            ulong[] toEnd = [.. _toEnd];
            _toEnd.Clear();
            foreach (var session in toEnd)
            {
                _world.Trace.Line($"{_node} ends {new ClientId(session)}, for whose leases others wait");
                var command = new MetadataCommand { Client = session, EndSession = new EndSessionRequest() };
                _node.Propose(command.ToByteArray(), reply =>
                {
                    if (reply != null)
                    {
                        Ended(new ClientId(session));
                    }
                });
            }
        });
    }

    /// <summary>Sessions may end without us: by themselves, or since nothing was heard of them.</summary>
    private void LookForEnded()
    {
        if (NowMs - _lookedMs < SilentMs)
        {
            return;
        }

        _lookedMs = NowMs;
        var silent = new List<ClientId>();
        _table.SilentSessions(SilentMs, NowMs, silent);
        foreach (var session in silent)
        {
            if (LeaseHolders.Find(Rows, session, out _) == null)
            {
                Ended(session);
            }
        }
    }

    private void Ended(ClientId session)
    {
        _table.SessionEnded(session, NowMs);
        Dispatch();
        Wake(session);
    }

    /// <summary>
    /// The table knows a session, if the state does. That it does not may be because it is old: this member may lead no
    /// more and not know it, and who believes that its session is over throws away what it has.
    /// </summary>
    private void Join(LeaseCall call, Action then)
    {
        var session = call.Ask.Session;
        if (_table.Knows(session) || Found(session) == LeaseRefusal.None)
        {
            then();
            return;
        }

        _node.ReadIndex(isGranted =>
        {
            if (!isGranted || !IsCurrent)
            {
                Refuse(call, LeaseRefusal.NotLeader);
            }
            else if (Found(session) is not LeaseRefusal.None and var refusal)
            {
                Refuse(call, refusal);
            }
            else
            {
                then();
            }
        });
    }

    private LeaseRefusal Found(ClientId session)
    {
        if (LeaseHolders.Find(Rows, session, out _) is not { } holder)
        {
            return LeaseRefusal.NoSession;
        }

        _table.Renewed(session, holder.LeaseMs, NowMs);
        return _table.Knows(session) ? LeaseRefusal.None : LeaseRefusal.NoSession;
    }

    /// <summary>After each call of the table; whoever goes on does so in another turn.</summary>
    private void Dispatch()
    {
        var effects = _table.Effects;
        foreach (var ticket in effects.Freed)
        {
            _node.Do(0, (Action)ticket.Owner!);
        }

        foreach (var session in effects.Recalled)
        {
            Wake(session);
        }

        foreach (var session in effects.ToEnd)
        {
            _toEnd.Add(session.Value);
        }

        effects.Clear();
    }

    /// <summary>What an inode has, for its readers; 0 is nothing.</summary>
    private ulong ValueOf(ulong inode)
    {
        var value = new ArrayBufferWriter<byte>();
        return MetadataView.Open(Rows) is { } view
            && view.Tree.TryGetXattr(new InodeId(inode), LeasedValues.Name.Span, value)
            ? BinaryPrimitives.ReadUInt64LittleEndian(value.WrittenSpan) : 0;
    }

    private void Refuse(LeaseCall call, LeaseRefusal refusal) =>
        Answer(call, new LeaseAnswer(call.Number, refusal, IsCurrent ? _table.Epoch : 0));

    private void Answer(LeaseCall call, LeaseAnswer answer) => _world.Network.Send(
        _node.Id.Value, call.Endpoint, default, answer with { Leader = _node.Status?.Leader.Value ?? 0 });
}
