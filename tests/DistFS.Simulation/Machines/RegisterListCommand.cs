using System.Buffers.Binary;
using System.Globalization;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What a client of the <see cref="RegisterListMachine"/> asks. The values are on the wire.</summary>
public enum RegisterListOperation : byte
{
    /// <summary>Sets a register.</summary>
    Write = 1,

    /// <summary>Sets a register if it has the expected value.</summary>
    CompareAndSet = 2,

    /// <summary>Reads a register, in the log or by a query.</summary>
    Read = 3,

    /// <summary>Adds to the end of a list.</summary>
    Append = 4,

    /// <summary>Reads a list, in the log or by a query.</summary>
    ReadList = 5,
}

/// <summary>A command or a query, with the name that makes a repetition harmless.</summary>
/// <param name="Client">Whose.</param>
/// <param name="Sequence">Which of the client's.</param>
/// <param name="Operation">What.</param>
/// <param name="Key">Of which register or list.</param>
/// <param name="Value">The new value.</param>
/// <param name="Expected">The value that <see cref="RegisterListOperation.CompareAndSet"/> wants to find.</param>
public sealed record RegisterListCommand(
    ClientId Client, SequenceNumber Sequence, RegisterListOperation Operation, ushort Key, long Value, long Expected)
{
    private const int HeaderBytes = 35;

    /// <summary>Whether it works on a list.</summary>
    public bool IsOfList => Operation is RegisterListOperation.Append or RegisterListOperation.ReadList;

    /// <summary>Whether it changes nothing.</summary>
    public bool IsRead => Operation is RegisterListOperation.Read or RegisterListOperation.ReadList;

    /// <summary>The bytes, followed by <paramref name="padding"/> zeros, so that sizes differ.</summary>
    public byte[] Encode(int padding)
    {
        var bytes = new byte[HeaderBytes + padding];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Client.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Sequence.Value);
        bytes[16] = (byte)Operation;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(17), Key);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(19), Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(27), Expected);
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    public static RegisterListCommand Decode(ReadOnlySpan<byte> bytes) => new(
        new ClientId(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
        new SequenceNumber(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])),
        (RegisterListOperation)bytes[16],
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[17..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[19..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[27..]));

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Client}{Sequence} {Operation} {Key} {Value} {Expected}");
}

/// <summary>Answers of the <see cref="RegisterListMachine"/>: one number, or a list of them.</summary>
public static class RegisterListReply
{
    /// <summary>The bytes of numbers.</summary>
    public static byte[] Encode(ReadOnlySpan<long> values)
    {
        var bytes = new byte[values.Length * sizeof(long)];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), values[i]);
        }

        return bytes;
    }

    /// <summary>The numbers of bytes.</summary>
    public static long[] Decode(ReadOnlySpan<byte> bytes)
    {
        var values = new long[bytes.Length / sizeof(long)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * sizeof(long))..]);
        }

        return values;
    }
}
