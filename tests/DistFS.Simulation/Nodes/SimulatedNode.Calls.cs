using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>What clients ask of this node.</summary>
public sealed partial class SimulatedNode
{
    private readonly Dictionary<LogIndex, (Term Term, ClientRequest Request)> _proposed = [];
    private readonly Dictionary<LogIndex, (Term Term, Action<ReadOnlyMemory<byte>?> Done)> _own = [];
    private readonly Dictionary<ulong, ClientRequest> _asked = [];
    private readonly List<(LogIndex Index, ClientRequest Request)> _granted = [];
    private readonly Dictionary<ulong, Action<bool>> _reading = [];
    private readonly List<(LogIndex Index, Action<bool> Done)> _read = [];

    /// <summary>A client's request arrived.</summary>
    public void Receive(ClientRequest request) => Post(0, () => Handle(request));

    /// <summary>A session asks about leases.</summary>
    public void Receive(LeaseCall call) => Post(0, () => _world.Workload.Receive(this, call));

    /// <summary>
    /// Tells, in another turn, when this node has led after now, and has applied what was committed then; or that it
    /// does not.
    /// </summary>
    public void ReadIndex(Action<bool> done)
    {
        var context = _world.NextContext();
        _world.Invariants.Tell(invariant => invariant.OnReadAsked(Shadow, context));
        _reading[context] = done;
        if (Core.RequestRead(context) != ProposeStatus.Accepted && _reading.Remove(context))
        {
            Post(Turn(), () => done(false));
        }
    }

    void IReadyHost.OnReadGranted(ReadGranted read)
    {
        _world.Invariants.Tell(invariant => invariant.OnReadGranted(Shadow, read));
        if (_asked.Remove(read.Context, out var request))
        {
            _granted.Add((read.Index, request));
            AnswerReads();
        }
        else if (_reading.Remove(read.Context, out var done))
        {
            _read.Add((read.Index, done));
            AnswerReads();
        }
    }

    void IReadyHost.OnReadRefused(ulong context)
    {
        if (_asked.Remove(context, out var request))
        {
            Answer(request, CallStatus.Busy, []);
        }
        else if (_reading.Remove(context, out var done))
        {
            Post(Turn(), () => done(false));
        }
    }

    /// <summary>Proposes by itself, as a leader does; it is told the reply, or null if that stays unknown.</summary>
    /// <returns>Whether it leads, and has room.</returns>
    public bool Propose(ReadOnlyMemory<byte> command, Action<ReadOnlyMemory<byte>?> done)
    {
        var result = Core.Propose(_world.Workload.ToCommand(this, command));
        if (result.Status != ProposeStatus.Accepted)
        {
            return false;
        }

        _own[result.Id.Index] = (result.Id.Term, done);
        return true;
    }

    private void ResetCalls()
    {
        _proposed.Clear();
        _own.Clear();
        _asked.Clear();
        _granted.Clear();
        _reading.Clear();
        _read.Clear();
    }

    private void Handle(ClientRequest request)
    {
        if (request.ByQuery)
        {
            HandleQuery(request);
            return;
        }

        var result = Core.Propose(_world.Workload.ToCommand(this, request.Bytes));
        if (result.Status == ProposeStatus.Accepted)
        {
            _proposed[result.Id.Index] = (result.Id.Term, request);
            return;
        }

        Answer(request, result.Status == ProposeStatus.NotLeader ? CallStatus.NotLeader : CallStatus.Busy, []);
    }

    private void HandleQuery(ClientRequest request)
    {
        var context = _world.NextContext();
        _world.Invariants.Tell(invariant => invariant.OnReadAsked(Shadow, context));
        _asked[context] = request;
        var status = Core.RequestRead(context);
        if (status != ProposeStatus.Accepted)
        {
            _asked.Remove(context);
            Answer(request, status == ProposeStatus.NotLeader ? CallStatus.NotLeader : CallStatus.Busy, []);
        }
    }

    private void AnswerReads()
    {
        foreach (var (_, done) in _read.FindAll(read => read.Index <= AppliedIndex))
        {
            Post(Turn(), () => done(true));
        }

        _read.RemoveAll(read => read.Index <= AppliedIndex);
        for (var i = 0; i < _granted.Count;)
        {
            var (index, request) = _granted[i];
            if (index > AppliedIndex)
            {
                i++;
                continue;
            }

            _granted.RemoveAt(i);
            Answer(request, CallStatus.Done, _machine!.Query(request.Bytes.Span));
        }
    }

    private void AnswerProposal(RaftEntry entry, MachineReply? reply)
    {
        if (_own.Remove(entry.Index, out var own))
        {
            // In another turn: whoever is told may propose.
            ReadOnlyMemory<byte>? told = own.Term == entry.Term ? reply?.Reply : null;
            Post(Turn(), () => own.Done(told));
        }

        if (!_proposed.Remove(entry.Index, out var proposed))
        {
            return;
        }

        if (proposed.Term != entry.Term || reply == null)
        {
            Answer(proposed.Request, CallStatus.Busy, []);
        }
        else if (!reply.IsForgotten)
        {
            Answer(proposed.Request, CallStatus.Done, reply.Reply);
        }
    }

    private void Answer(ClientRequest request, CallStatus status, byte[] reply) => _world.Network.Send(
        Id.Value, request.Endpoint, default, new ClientReply(request.Attempt, status, reply, Core.Leader));
}
