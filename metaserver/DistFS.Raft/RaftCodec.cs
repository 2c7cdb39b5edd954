using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>
/// Bytes of messages and configurations. All integers little-endian. A message is {version u8, kind u8, from u64,
/// from's store u64, to u64, term u64} and the fields of its kind in the order of its class; a configuration is
/// {version u8, count u8, members}, a member {id u64, store u64, role u8, length u8, address in UTF-8}. Nothing may
/// follow.
/// </summary>
public static partial class RaftCodec
{
    private const byte Version = 1;

    /// <summary>Longest address of a member, in bytes of UTF-8.</summary>
    public const int AddressBytesMax = 255;

    private enum MessageKind : byte
    {
        VoteRequest = 1,
        VoteReply = 2,
        AppendRequest = 3,
        AppendReply = 4,
        Heartbeat = 5,
        HeartbeatReply = 6,
        SnapshotPiece = 7,
        SnapshotReply = 8,
        ReadIndexRequest = 9,
        ReadIndexReply = 10,
        TimeoutNow = 11,
    }

    /// <summary>Whether an address can be written.</summary>
    public static bool IsAddress(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var bytes = Encoding.UTF8.GetBytes(address);
        return bytes.Length <= AddressBytesMax && Encoding.UTF8.GetString(bytes) == address;
    }

    /// <summary>The bytes of a configuration.</summary>
    /// <exception cref="ArgumentException">An address is too long.</exception>
    public static byte[] Encode(RaftConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var output = new ArrayBufferWriter<byte>();
        WriteConfiguration(configuration, output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a configuration.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> bytes,
        [NotNullWhen(true)] out RaftConfiguration? configuration,
        [NotNullWhen(false)] out string? fault)
    {
        var reader = new ByteReader(bytes);
        configuration = ReadConfiguration(ref reader, out fault);
        if (configuration != null && !reader.IsAtEnd)
        {
            configuration = null;
            fault = "bytes after its end";
        }

        return configuration != null;
    }

    private static void WriteConfiguration(RaftConfiguration configuration, IBufferWriter<byte> output)
    {
        Write(output, Version);
        Write(output, (byte)configuration.Members.Count);
        foreach (var member in configuration.Members)
        {
            var address = Encoding.UTF8.GetBytes(member.Address);
            if (address.Length > AddressBytesMax)
            {
                throw new ArgumentException($"The address of {member.Id} has more than {AddressBytesMax} bytes.");
            }

            Write(output, member.Id.Value);
            Write(output, member.Store.Value);
            Write(output, (byte)member.Role);
            Write(output, (byte)address.Length);
            output.Write(address);
        }
    }

    private static RaftConfiguration? ReadConfiguration(ref ByteReader reader, out string? fault)
    {
        var version = reader.Byte();
        if (version != Version)
        {
            fault = reader.IsShort ? "it ends too early" : $"version {version} of a configuration is not known here";
            return null;
        }

        var members = new List<RaftMember>();
        ulong before = 0;
        for (var left = reader.Byte(); left > 0 && !reader.IsShort; left--)
        {
            var id = reader.UInt64();
            var store = reader.UInt64();
            var role = reader.Byte();
            var address = reader.Bytes(reader.Byte());
            if (reader.IsShort)
            {
                break;
            }

            // By id, as they are written: then none is zero and none appears twice.
            if (id <= before || role > (byte)MemberRole.VoterDemoting || !Utf8.IsValid(address)
                || members.Count == RaftConfiguration.MembersMax)
            {
                fault = "members that cannot be";
                return null;
            }

            before = id;

            members.Add(new RaftMember(
                new MemberId(id), new StoreId(store), Encoding.UTF8.GetString(address), (MemberRole)role));
        }

        fault = reader.IsShort ? "it ends too early" : null;
        return reader.IsShort ? null : new RaftConfiguration(members);
    }

    private static void Write(IBufferWriter<byte> output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    private static void Write(IBufferWriter<byte> output, bool value) => Write(output, value ? (byte)1 : (byte)0);

    private static void Write(IBufferWriter<byte> output, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(sizeof(uint)), value);
        output.Advance(sizeof(uint));
    }

    private static void Write(IBufferWriter<byte> output, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(sizeof(ulong)), value);
        output.Advance(sizeof(ulong));
    }

    private static void Write(IBufferWriter<byte> output, EntryId id)
    {
        Write(output, id.Term.Value);
        Write(output, id.Index.Value);
    }

    /// <summary>Reads what may be too short: then everything is zero, and <see cref="IsShort"/> says so.</summary>
    private ref struct ByteReader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        /// <summary>Bytes read.</summary>
        public int Position { get; private set; }

        /// <summary>Something was read beyond the end.</summary>
        public bool IsShort { get; private set; }

        /// <summary>Everything was read.</summary>
        public readonly bool IsAtEnd => !IsShort && Position == _bytes.Length;

        public ReadOnlySpan<byte> Bytes(int count)
        {
            if (IsShort || count < 0 || count > _bytes.Length - Position)
            {
                IsShort = true;
                return default;
            }

            Position += count;
            return _bytes.Slice(Position - count, count);
        }

        public byte Byte() => Bytes(1) is { IsEmpty: false } read ? read[0] : (byte)0;

        public uint UInt32() => Bytes(sizeof(uint)) is { IsEmpty: false } read
            ? BinaryPrimitives.ReadUInt32LittleEndian(read)
            : 0;

        public ulong UInt64() => Bytes(sizeof(ulong)) is { IsEmpty: false } read
            ? BinaryPrimitives.ReadUInt64LittleEndian(read)
            : 0;

        /// <summary>A number of bytes; one that no message can have counts as too short.</summary>
        public int Length()
        {
            var value = UInt32();
            IsShort |= value > int.MaxValue;
            return IsShort ? 0 : (int)value;
        }

        public LogIndex Index() => new(UInt64());

        public EntryId Id() => new(new Term(UInt64()), new LogIndex(UInt64()));

        /// <summary>A byte that is 0 or 1; any other counts as too short.</summary>
        public bool Flag()
        {
            var value = Byte();
            IsShort |= value > 1;
            return value == 1;
        }
    }
}
