using System.Buffers.Binary;
using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Benchmarks.Raft;

/// <summary>A write: {client u64, sequence u64, key u64, value i64}, little-endian, then padding.</summary>
internal readonly record struct RegisterCommand(ulong Client, ulong Sequence, ulong Key, long Value)
{
    public const int BytesMin = 32;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Client);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Key);
        BinaryPrimitives.WriteInt64LittleEndian(destination[24..], Value);
    }

    public static RegisterCommand Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(source),
        BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(source[24..]));
}

/// <summary>Registers and client sessions in memory: after a restart they come back from snapshot and log.</summary>
internal sealed class RegisterMachine : IReplicatedStateMachine
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, long> _registers = [];
    private readonly Dictionary<ulong, ulong> _sessions = [];
    private ulong _applied;
    private ulong _hash;

    public LogIndex AppliedIndex => new(Volatile.Read(ref _applied));

    /// <summary>Equal on members that executed the same commands in the same order.</summary>
    public ulong Hash => Volatile.Read(ref _hash);

    public ReadOnlyMemory<byte> Apply(RaftEntry entry)
    {
        if (entry.Kind == EntryKind.Command && entry.Data.Length >= RegisterCommand.BytesMin)
        {
            var command = RegisterCommand.Read(entry.Data.Span);
            lock (_gate)
            {
                // A command that comes again is answered like the first time, and not executed.
                if (command.Sequence > _sessions.GetValueOrDefault(command.Client))
                {
                    _sessions[command.Client] = command.Sequence;
                    _registers[command.Key] = command.Value;
                    _hash = ((_hash ^ command.Key) * 0x9E3779B97F4A7C15) + (ulong)command.Value;
                }
            }
        }

        Volatile.Write(ref _applied, entry.Index.Value);
        return default;
    }

    public long Get(ulong key)
    {
        lock (_gate)
        {
            return _registers.GetValueOrDefault(key);
        }
    }

    public void Publish()
    {
        // It is in memory, and read where it is.
    }

    public ISnapshotSource BeginSnapshot()
    {
        lock (_gate)
        {
            return new View([.. _registers], [.. _sessions], _hash);
        }
    }

    public void Restore(Stream snapshot, SnapshotMeta meta)
    {
        using var reader = new BinaryReader(snapshot, System.Text.Encoding.UTF8, leaveOpen: true);
        lock (_gate)
        {
            _registers.Clear();
            _sessions.Clear();
            Volatile.Write(ref _hash, reader.ReadUInt64());
            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                _registers.Add(reader.ReadUInt64(), reader.ReadInt64());
            }

            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                _sessions.Add(reader.ReadUInt64(), reader.ReadUInt64());
            }
        }

        Volatile.Write(ref _applied, meta.Last.Index.Value);
    }

    private sealed class View(KeyValuePair<ulong, long>[] registers, KeyValuePair<ulong, ulong>[] sessions, ulong hash)
        : ISnapshotSource
    {
        public void WriteTo(Stream destination)
        {
            using var writer = new BinaryWriter(destination, System.Text.Encoding.UTF8, leaveOpen: true);
            writer.Write(hash);
            writer.Write(registers.Length);
            foreach (var (key, value) in registers)
            {
                writer.Write(key);
                writer.Write(value);
            }

            writer.Write(sessions.Length);
            foreach (var (client, sequence) in sessions)
            {
                writer.Write(client);
                writer.Write(sequence);
            }
        }

        public void Dispose()
        {
            // The arrays are the garbage collector's.
        }
    }
}
