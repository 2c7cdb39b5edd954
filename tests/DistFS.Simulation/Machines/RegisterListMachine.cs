using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Simulation;

/// <summary>
/// Registers and append-only lists, with the client sessions of the Raft thesis, section 6.3: the last command of each
/// client and its reply are part of the state.
/// </summary>
/// <param name="localClock">The member's own clock, in microseconds, at which an honest machine never looks.</param>
/// <param name="snapshotPadding">Zeros at the end of each snapshot, so that it has more pieces.</param>
public sealed class RegisterListMachine(Func<long> localClock, int snapshotPadding = 0) : IReplicatedMachine
{
    private readonly SortedDictionary<ushort, long> _registers = [];
    private readonly SortedDictionary<ushort, List<long>> _lists = [];
    private readonly SortedDictionary<ulong, Session> _sessions = [];
    private ulong _hash;

    /// <inheritdoc/>
    /// <remarks>A sum of one hash per register, list element and session, so that a change costs O(1).</remarks>
    public ulong? Hash => _hash;

    /// <inheritdoc/>
    public MachineReply Apply(RaftEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var command = RegisterListCommand.Decode(entry.Data.Span);
        var known = _sessions.GetValueOrDefault(command.Client.Value);
        if (known != null && command.Sequence.Value <= known.Sequence && !Teeth.Has(PlantedBug.SessionDedupSkipped))
        {
            // Of an older command the reply is gone; the client has given it up and does not listen.
            var first = command.Sequence.Value == known.Sequence ? known.Reply : [];
            return new MachineReply(command.Client, command.Sequence, first, WasExecuted: false)
            {
                IsForgotten = first.Length == 0 && !command.IsRead,
            };
        }

        var reply = Execute(command);
        if (known != null)
        {
            _hash -= known.Hash(command.Client.Value);
        }

        var session = new Session(command.Sequence.Value, reply);
        _sessions[command.Client.Value] = session;
        _hash += session.Hash(command.Client.Value);
        return new MachineReply(command.Client, command.Sequence, reply, WasExecuted: true);
    }

    /// <inheritdoc/>
    public byte[] Query(ReadOnlySpan<byte> question) => Execute(RegisterListCommand.Decode(question));

    /// <inheritdoc/>
    public byte[] Snapshot()
    {
        var words = new List<long> { _registers.Count };
        foreach (var (key, value) in _registers)
        {
            words.AddRange([key, value]);
        }

        words.Add(_lists.Count);
        foreach (var (key, list) in _lists)
        {
            words.AddRange([key, list.Count]);
            words.AddRange(list);
        }

        var sessions = Teeth.Has(PlantedBug.SnapshotWithoutSessions) ? 0 : _sessions.Count;
        words.Add(sessions);
        foreach (var (client, session) in _sessions.Take(sessions))
        {
            var reply = RegisterListReply.Decode(session.Reply);
            words.AddRange([(long)client, (long)session.Sequence, reply.Length]);
            words.AddRange(reply);
        }

        var bytes = new byte[(words.Count * sizeof(long)) + snapshotPadding];
        RegisterListReply.Encode([.. words]).CopyTo(bytes, 0);
        return bytes;
    }

    /// <inheritdoc/>
    public void Restore(ReadOnlySpan<byte> snapshot, LogIndex index)
    {
        _registers.Clear();
        _lists.Clear();
        _sessions.Clear();
        _hash = 0;
        var reader = new Words(snapshot);
        for (var count = reader.Next(); count > 0; count--)
        {
            Set((ushort)reader.Next(), reader.Next());
        }

        for (var count = reader.Next(); count > 0; count--)
        {
            var key = (ushort)reader.Next();
            for (var length = reader.Next(); length > 0; length--)
            {
                Append(key, reader.Next());
            }
        }

        for (var count = reader.Next(); count > 0; count--)
        {
            var client = (ulong)reader.Next();
            var sequence = (ulong)reader.Next();
            var reply = new long[reader.Next()];
            for (var i = 0; i < reply.Length; i++)
            {
                reply[i] = reader.Next();
            }

            var session = new Session(sequence, RegisterListReply.Encode(reply));
            _sessions[client] = session;
            _hash += session.Hash(client);
        }
    }

    internal static ulong Mix(ulong a, ulong b)
    {
        var z = (a ^ (b * 0x9E3779B97F4A7C15)) + 0xD1B54A32D192ED03;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private byte[] Execute(RegisterListCommand command)
    {
        var now = _registers.GetValueOrDefault(command.Key);
        switch (command.Operation)
        {
            case RegisterListOperation.Write:
                // Planted: what is written depends on when this member happens to run it.
                var spoiled = Teeth.Has(PlantedBug.ApplyUsesWallTime) && localClock() / 1000 % 2 == 1;
                Set(command.Key, spoiled ? -command.Value : command.Value);
                return RegisterListReply.Encode([command.Value]);
            case RegisterListOperation.CompareAndSet:
                if (now != command.Expected)
                {
                    return RegisterListReply.Encode([0]);
                }

                Set(command.Key, command.Value);
                return RegisterListReply.Encode([1]);
            case RegisterListOperation.Read:
                return RegisterListReply.Encode([now]);
            case RegisterListOperation.Append:
                return RegisterListReply.Encode([Append(command.Key, command.Value)]);
            case RegisterListOperation.ReadList:
                return _lists.TryGetValue(command.Key, out var list) ? RegisterListReply.Encode([.. list]) : [];
            default:
                throw new InvalidOperationException($"Unknown operation {command.Operation}.");
        }
    }

    private void Set(ushort key, long value)
    {
        if (_registers.TryGetValue(key, out var old))
        {
            _hash -= Mix(Mix(1, key), (ulong)old);
        }

        _registers[key] = value;
        _hash += Mix(Mix(1, key), (ulong)value);
    }

    private int Append(ushort key, long value)
    {
        if (!_lists.TryGetValue(key, out var list))
        {
            _lists[key] = list = [];
        }

        list.Add(value);
        _hash += Mix(Mix(Mix(2, key), (ulong)list.Count), (ulong)value);
        return list.Count;
    }

    private sealed record Session(ulong Sequence, byte[] Reply)
    {
        public ulong Hash(ulong client) => Mix(Mix(Mix(3, client), Sequence), Crc32C.Compute(Reply));
    }

    private ref struct Words(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public long Next()
        {
            var word = BinaryPrimitives.ReadInt64LittleEndian(_rest);
            _rest = _rest[sizeof(long)..];
            return word;
        }
    }
}
