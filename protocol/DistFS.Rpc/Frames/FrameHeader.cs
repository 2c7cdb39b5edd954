using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Rpc.Frames;

/// <summary>What a frame is.</summary>
internal enum FrameKind : byte
{
    /// <summary>The first frame in both directions; body: Hello.</summary>
    Hello = 1,

    /// <summary>A call; argument: the time until the caller gives up, in ms, 0 for none.</summary>
    Request = 2,

    /// <summary>The end of a call: its reply, or the end of its stream.</summary>
    Reply = 3,

    /// <summary>The end of a call: its failure; body: ErrorInfo.</summary>
    Error = 4,

    /// <summary>One reply of a stream.</summary>
    StreamItem = 5,

    /// <summary>The caller gave up; the call is still ended by a Reply or an Error.</summary>
    Cancel = 6,

    /// <summary>The caller took bytes of a stream; argument: how many more the handler may send.</summary>
    Credit = 7,

    /// <summary>Are you there?</summary>
    Ping = 8,

    /// <summary>Yes; call id: that of the ping.</summary>
    Pong = 9,

    /// <summary>The sender takes no new calls; body: GoAway.</summary>
    GoAway = 10,
}

/// <summary>
/// The 48 bytes in front of every frame, little-endian:
/// <code>
///  0 u32 length      bytes after the header: body, then payload
///  4 u32 bodyLength  of these, the protobuf message
///  8 u32 crc         CRC-32C over the header with this field zero, then the body (payloads carry their own checksums)
/// 12 u8  kind        FrameKind
/// 13 u8  flags       none defined: zero
/// 14 u8  version     of the frame protocol
/// 15 u8  reserved    zero
/// 16 u32 method      the method's number; Request only
/// 20 u32 argument    by kind
/// 24 u64 callId      chosen by the caller, unique among its calls under way on the connection
/// 32 u64 traceHigh   trace id, zero for none
/// 40 u64 traceLow
/// </code>
/// </summary>
internal readonly record struct FrameHeader(
    FrameKind Kind, int BodyLength, int PayloadLength, uint Method, uint Argument, ulong CallId, TraceId TraceId)
{
    public const int Size = 48;
    public const byte Version = 1;

    private const int CrcOffset = 8;

    /// <summary>Bytes of the whole frame.</summary>
    public long FrameLength => Size + (long)BodyLength + PayloadLength;

    /// <summary>Writes all but the checksum, which <see cref="Seal"/> adds when the body stands behind.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, (uint)BodyLength + (uint)PayloadLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], (uint)BodyLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[CrcOffset..], 0);
        destination[12] = (byte)Kind;
        destination[13] = 0;
        destination[14] = Version;
        destination[15] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], Method);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[20..], Argument);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], CallId);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[32..], TraceId.High);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[40..], TraceId.Low);
    }

    /// <summary>Computes and writes the checksum of a header and the body right behind it.</summary>
    public static void Seal(Span<byte> headerAndBody) =>
        BinaryPrimitives.WriteUInt32LittleEndian(headerAndBody[CrcOffset..], Crc32C.Compute(headerAndBody));

    /// <summary>
    /// Reads a header and checks every field that can be checked without the body, above all the lengths, before
    /// anything is allocated for them.
    /// </summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? TryRead(ReadOnlySpan<byte> source, FrameLimits limits, out FrameHeader header)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(source);
        var bodyLength = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        var payloadLength = length - bodyLength;
        header = default;
        var kind = (FrameKind)source[12];
        if (source[14] != Version)
        {
            return $"frame version {source[14]}, not {Version}";
        }

        if (source[13] != 0 || source[15] != 0)
        {
            return "unknown frame flags";
        }

        if (kind is < FrameKind.Hello or > FrameKind.GoAway)
        {
            return $"unknown frame kind {(byte)kind}";
        }

        if (bodyLength > length || bodyLength > limits.BodyBytesMax || payloadLength > limits.PayloadBytesMax)
        {
            return $"a frame of {length} bytes with a body of {bodyLength} is over the limits "
                + $"{limits.BodyBytesMax} + {limits.PayloadBytesMax}";
        }

        if (payloadLength != 0 && kind is not (FrameKind.Request or FrameKind.Reply))
        {
            return $"a {kind} frame with a payload";
        }

        if (bodyLength != 0 && kind is (FrameKind.Cancel or FrameKind.Credit or FrameKind.Ping or FrameKind.Pong))
        {
            return $"a {kind} frame with a body";
        }

        header = new FrameHeader(
            kind,
            (int)bodyLength,
            (int)payloadLength,
            BinaryPrimitives.ReadUInt32LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[20..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            new TraceId(
                BinaryPrimitives.ReadUInt64LittleEndian(source[32..]),
                BinaryPrimitives.ReadUInt64LittleEndian(source[40..])));
        return null;
    }

    /// <summary>Whether the checksum of a header and its body is right.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> headerAndBody)
    {
        var crc = Crc32C.Append(0, headerAndBody[..CrcOffset]);
        crc = Crc32C.Append(crc, [0, 0, 0, 0]);
        crc = Crc32C.Append(crc, headerAndBody[(CrcOffset + sizeof(uint))..]);
        return crc == BinaryPrimitives.ReadUInt32LittleEndian(headerAndBody[CrcOffset..]);
    }
}

/// <summary>What a receiver accepts. Its lengths bound what is allocated on a peer's word.</summary>
internal readonly record struct FrameLimits(uint BodyBytesMax, uint PayloadBytesMax);
