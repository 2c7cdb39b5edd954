using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// A client of the metadata: it opens a session and keeps it alive, asks for one thing at a time and repeats what is
/// not answered under the same number. Now and then it dies or sleeps, and begins again with another session.
/// </summary>
public sealed partial class MetadataClient : IClient
{
    private readonly World _world;
    private readonly MetadataWorkload _workload;
    private readonly Prng _prng;
    private readonly LeaderCall _call;
    private readonly MetadataMix _mix;
    private readonly int _number;
    private ClientId _session;
    private byte[] _opened = [];
    private byte[] _asked = [];
    private ulong _leaseMs;
    private ulong _sequence;
    private ulong _acknowledged;
    private long _heardAt;
    private long _asleepUntil;
    private bool _isOver;

    /// <summary>A client that is about to start.</summary>
    public MetadataClient(World world, MetadataWorkload workload, int number, Prng prng)
    {
        ArgumentNullException.ThrowIfNull(workload);
        ArgumentNullException.ThrowIfNull(prng);
        (_world, _workload, _number, _prng) = (world, workload, number, prng);
        _call = new LeaderCall(world, prng.Fork(), SimulatedNetwork.FirstClient + (ulong)number);
        _mix = new MetadataMix(workload.Places, prng.Fork()) { Write = workload.Servers.Write };
    }

    /// <inheritdoc/>
    public int Budget { get; set; }

    /// <inheritdoc/>
    public bool IsDone => !_call.IsBusy && Budget <= 0 && (!_world.IsQuieting || _isOver);

    /// <inheritdoc/>
    public int Done { get; private set; }

    /// <inheritdoc/>
    public void Think(double meanMicroseconds) =>
        _world.Queue.After((long)DiskFaults.Exponential(_prng, meanMicroseconds), Begin);

    /// <inheritdoc/>
    public void Receive(ulong from, ClientReply reply) => _call.Receive(from, reply);

    /// <summary>Begins to say now and then that it lives.</summary>
    public void StayAlive()
    {
        var every = 100_000L;
        if (_session.Value != 0 && !_isOver)
        {
            every = (long)_leaseMs * 1_000 / 4;
            if (_world.Queue.Now >= _asleepUntil && _world.Queue.Now - _heardAt >= every)
            {
                _call.Tell(new MetadataCommand
                {
                    Client = _session.Value,
                    KeepAlive = new KeepAliveRequest(),
                }.ToByteArray());
            }
        }

        _world.Queue.After(every, StayAlive);
    }

    /// <inheritdoc/>
    public override string ToString() => $"client {_number} {_session} at {_sequence}";

    private void Begin()
    {
        if (_call.IsBusy || _isOver)
        {
            return;
        }

        if (_asleepUntil > _world.Queue.Now && !_world.IsQuieting)
        {
            _world.Queue.At(_asleepUntil, Begin);
        }
        else if (_session.Value == 0)
        {
            OpenSession();
        }
        else if (!_workload.Places.IsReady)
        {
            MakePlaces();
        }
        else if (Budget > 0)
        {
            Budget--;
            Next();
        }
        else if (_world.IsQuieting)
        {
            End();
        }
    }

    private void Next()
    {
        if (!_world.IsQuieting && _prng.Chance(_workload.Options.Deaths))
        {
            // Nobody hears of it any more; what it has open and locked stays until its time is over.
            _world.Trace.Line($"{this} dies");
            CopiesComeLate();
            _session = default;
            Think(200_000);
            return;
        }

        if (!_world.IsQuieting && _prng.Chance(_workload.Options.Sleeps))
        {
            _world.Trace.Line($"{this} sleeps");
            _asleepUntil = _world.Queue.Now + (long)DiskFaults.Exponential(_prng, _leaseMs * 1_500.0);
            Think(0);
            return;
        }

        if (_prng.Chance(_workload.Options.Histories))
        {
            NextOfHistory();
        }
        else if (_prng.Chance(_world.Options.Reads))
        {
            ReadInTheWild();
        }
        else
        {
            var operations = new List<Operation>(_mix.Draw());
            while (_prng.Chance(_workload.Options.Batches) && operations.Count < 8)
            {
                // One by one: a back-reference is a place in the request.
                if (_mix.Draw().ToArray() is [var single])
                {
                    operations.Add(single);
                }
            }

            Mutate(operations, Answered);
        }
    }

    private void Answered(IReadOnlyList<Operation> operations, MutateReply reply)
    {
        for (var i = 0; i < operations.Count; i++)
        {
            _workload.Count(operations[i], reply.Replies[i]);
            _mix.Answered(operations[i], reply.Replies[i]);
        }
    }

    private void OpenSession()
    {
        _leaseMs = (ulong)_prng.NextInt32(1_000, _workload.Options.LeaseMsMax);
        (_opened, _asked) = (_workload.NextSession(_leaseMs).ToByteArray(), []);
        _call.Begin(
            _opened,
            byQuery: false,
            bytes =>
            {
                var reply = MetadataReply.Parser.ParseFrom(bytes);
                if (reply.Status == (int)FsStatus.TryAgain)
                {
                    return false;
                }

                Must(reply.Status == 0, $"a session is refused with {reply.Status}");
                _session = new ClientId(reply.OpenSession.Client);
                (_sequence, _acknowledged) = (0, 0);
                _heardAt = _world.Queue.Now;
                Think(0);
                return true;
            },
            // It may have begun, or begin yet: it is left to its end.
            () => Think(_world.ThinkMicroseconds));
    }

    /// <summary>The network kept copies of what it sent, and lets go of them when nobody waits for them.</summary>
    private void CopiesComeLate()
    {
        if (!_prng.Chance(0.5))
        {
            return;
        }

        var (opened, asked) = (_opened, _asked);
        _world.Queue.After((long)DiskFaults.Exponential(_prng, _leaseMs * 2_000.0), () =>
        {
            _call.Tell(opened);
            if (asked.Length > 0)
            {
                _call.Tell(asked);
            }
        });
    }

    private void MakePlaces() => Mutate(
        _workload.Places.ToMake().Operations,
        (_, _) => Ask(
            MetadataQuestion.Of(_workload.Places.ToLookUp()),
            ReadReply.Parser.ParseFrom,
            reply => _workload.Places.Found(reply)));

    /// <summary>Operations under one number; the session may end on the way, and there may be no answer.</summary>
    private void Mutate(
        IReadOnlyList<Operation> operations, Action<IReadOnlyList<Operation>, MutateReply> answered)
    {
        var sequence = new SequenceNumber(++_sequence);
        var command = new MetadataCommand
        {
            Client = _session.Value,
            Sequence = sequence.Value,
            Acknowledged = _acknowledged,
            Mutate = new MutateRequest { Operations = { operations } }.ToByteString(),
        };
        if (_world.Trace.IsDetailed)
        {
            _world.Trace.Detail($"{this} asks {string.Join(", ", operations)}");
        }

        _asked = command.ToByteArray();
        _call.Begin(
            _asked,
            byQuery: false,
            bytes =>
            {
                var reply = MetadataReply.Parser.ParseFrom(bytes);
                if (reply.Status == (int)FsStatus.TryAgain)
                {
                    return false;
                }

                if (reply.Mutate == null)
                {
                    Must(
                        reply.Code == ErrorCatalog.SessionEnded.Number,
                        $"{sequence} is refused with {reply.Status}, {reply.Code}");
                    _world.Trace.Line($"{this} learns that its session has ended");
                    CopiesComeLate();
                    _session = default;
                }
                else
                {
                    Must(reply.Mutate.Replies.Count == operations.Count, $"{sequence} has not all replies");
                    _world.Invariants.Tell(invariant => invariant.OnAcknowledged(_session, sequence, bytes));
                    _heardAt = _world.Queue.Now;
                    _acknowledged = _prng.Chance(0.7) ? sequence.Value : _acknowledged;
                    Done++;
                    answered(operations, reply.Mutate);
                }

                _world.Trace.Add(6, (_session.Value << 48) ^ sequence.Value);
                ThinkOn();
                return true;
            },
            () =>
            {
                _world.Trace.Line($"{this} gives up");
                Think(_world.ThinkMicroseconds);
            });
    }

    private void Ask<T>(
        byte[] question, Func<byte[], T> parse, Action<T> answered, Action? unknown = null) => _call.Begin(
        question,
        byQuery: true,
        bytes =>
        {
            Done++;
            answered(parse(bytes));
            ThinkOn();
            return true;
        },
        () =>
        {
            unknown?.Invoke();
            Think(_world.ThinkMicroseconds);
        });

    /// <summary>Unless what was answered led to another call.</summary>
    private void ThinkOn()
    {
        if (!_call.IsBusy)
        {
            Think(_world.ThinkMicroseconds);
        }
    }

    /// <summary>Politely, or by silence.</summary>
    private void End()
    {
        _isOver = true;
        if (_prng.Chance(0.5))
        {
            var command = new MetadataCommand { Client = _session.Value, EndSession = new EndSessionRequest() };
            _call.Begin(command.ToByteArray(), byQuery: false, static _ => true, static () => { });
        }
    }

    private void Must(bool holds, FormattableString detail)
    {
        if (!holds)
        {
            throw new InvariantException("requests are understood", FormattableString.Invariant($"{this}: {detail}"));
        }
    }
}
