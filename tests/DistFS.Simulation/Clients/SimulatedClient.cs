using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// A client with one operation at a time. It looks for the leader, repeats an unanswered operation under the same
/// sequence number, and gives up after a while: then nobody knows what became of it.
/// </summary>
public sealed class SimulatedClient : IClient
{
    private const long PatienceMicrosecondsMax = 1_000_000;

    private readonly World _world;
    private readonly ClientHistory _history;
    private readonly Prng _prng;
    private readonly ClientId _id;
    private readonly ulong _endpoint;
    private readonly long[] _seen;
    private ulong _sequence;
    private ulong _attempt;
    private ulong _leader;
    private ClientOperation? _current;

    /// <summary>A client that is about to start.</summary>
    public SimulatedClient(World world, ClientHistory history, int number, Prng prng)
    {
        (_world, _history) = (world, history);
        _prng = prng;
        _id = new ClientId((ulong)number + 1);
        _endpoint = SimulatedNetwork.FirstClient + (ulong)number;
        _seen = new long[world.Options.Registers];
    }

    /// <inheritdoc/>
    public int Budget { get; set; }

    /// <inheritdoc/>
    public bool IsDone => _current == null && Budget <= 0;

    /// <inheritdoc/>
    public int Done { get; private set; }

    /// <summary>Operations that were given up.</summary>
    public int GivenUp { get; private set; }

    /// <inheritdoc/>
    public void Think(double meanMicroseconds) =>
        _world.Queue.After((long)DiskFaults.Exponential(_prng, meanMicroseconds), Begin);

    /// <summary>What it waits for, in words.</summary>
    public override string ToString() => $"{_id} {_current?.Command}";

    /// <inheritdoc/>
    public void Receive(ulong from, ClientReply reply)
    {
        if (_current is not { } operation || reply.Attempt < operation.FirstAttempt)
        {
            return;
        }

        // All attempts of an operation have the same answer, so a late one is as good.
        if (reply.Status == CallStatus.Done)
        {
            Finish(reply.Reply);
            return;
        }

        if (reply.Attempt != _attempt)
        {
            return;
        }

        _leader = reply.Leader.Value != from ? reply.Leader.Value : 0;
        var attempt = _attempt;
        _world.Queue.After(1_000 + (long)DiskFaults.Exponential(_prng, 20_000), () => Retry(attempt));
    }

    private void Begin()
    {
        if (_current != null || Budget <= 0)
        {
            return;
        }

        Budget--;
        var command = Draw();
        var query = command.IsRead && !_prng.Chance(_world.Options.ReadsInLog);
        _current = new ClientOperation(command, query, _prng.NextInt32(_world.Options.CommandPaddingMax + 1))
        {
            FirstAttempt = _attempt + 1,
            Deadline = _world.Queue.Now + _world.Options.GiveUpMicroseconds,
            Open = _history.Invoke(command),
        };
        Attempt();
    }

    private RegisterListCommand Draw()
    {
        var options = _world.Options;
        var reads = _prng.Chance(options.Reads);
        var keys = options.Registers + options.Lists;
        var key = _prng.NextInt32(keys);
        var value = _history.NextValue();
        var sequence = new SequenceNumber(++_sequence);
        if (key >= options.Registers)
        {
            var list = reads ? RegisterListOperation.ReadList : RegisterListOperation.Append;
            return new RegisterListCommand(_id, sequence, list, (ushort)key, value, 0);
        }

        return reads ? new RegisterListCommand(_id, sequence, RegisterListOperation.Read, (ushort)key, 0, 0)
            : _prng.Chance(0.3)
                ? new RegisterListCommand(
                    _id, sequence, RegisterListOperation.CompareAndSet, (ushort)key, value, _seen[key])
            : new RegisterListCommand(_id, sequence, RegisterListOperation.Write, (ushort)key, value, 0);
    }

    private void Attempt()
    {
        var operation = _current!;
        _attempt++;
        var anywhere = operation.ByQuery && _prng.Chance(_world.Options.ReadsAnywhere);
        var target = _leader != 0 && !anywhere ? _leader : _world.AnyMember(_prng);
        _world.Network.Send(
            _endpoint,
            target,
            default,
            new ClientRequest(
                _endpoint, _attempt, operation.Command.Encode(operation.Padding), operation.ByQuery));
        var attempt = _attempt;

        // Longer and longer: repetitions must not be what keeps the cluster from answering.
        var patience = _world.Options.AttemptMicroseconds << (int)Math.Min(5, attempt - operation.FirstAttempt);
        patience = Math.Min(patience, PatienceMicrosecondsMax);
        _world.Queue.After(patience, () =>
        {
            if (attempt == _attempt)
            {
                _leader = 0;
                Retry(attempt);
            }
        });
    }

    private void Retry(ulong attempt)
    {
        if (_current is not { } operation || attempt != _attempt)
        {
            return;
        }

        if (_world.Queue.Now >= operation.Deadline && !_world.IsQuieting)
        {
            _world.Trace.Line($"{_id} gives up {operation.Command}");
            ClientHistory.Unknown(operation.Open!);
            GivenUp++;
            _current = null;
            _attempt++;
            Think(_world.ThinkMicroseconds);
            return;
        }

        Attempt();
    }

    private void Finish(byte[] reply)
    {
        var operation = _current!;
        var command = operation.Command;
        if (!operation.ByQuery)
        {
            _world.Invariants.Tell(invariant => invariant.OnAcknowledged(_id, command.Sequence, reply));
        }

        var values = RegisterListReply.Decode(reply);
        _history.Return(operation.Open!, command, values);
        if (!command.IsOfList)
        {
            _seen[command.Key] = command.Operation == RegisterListOperation.Read ? values[0] : command.Value;
        }

        _world.Trace.Add(6, (_id.Value << 48) ^ command.Sequence.Value);
        Done++;
        _current = null;
        _attempt++;
        Think(_world.ThinkMicroseconds);
    }
}
