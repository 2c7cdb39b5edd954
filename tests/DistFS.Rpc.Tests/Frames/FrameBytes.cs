using System.Buffers.Binary;

namespace DistFS.Rpc.Tests.Frames;

/// <summary>Frames as bytes, sound ones and others.</summary>
internal static class FrameBytes
{
    public static Hello SoundHello(Action<Hello>? change = null)
    {
        var hello = new Hello
        {
            VersionMin = 1,
            VersionMax = 1,
            BodyBytesMax = 4 << 20,
            PayloadBytesMax = 4 << 20,
            CallsMax = 1024,
            RequestWindowBytes = 32 << 20,
            StreamWindowBytes = 1 << 20,
            Agent = "raw",
        };
        change?.Invoke(hello);
        return hello;
    }

    public static byte[] HelloFrame(Action<Hello>? change = null) => Frame(FrameKind.Hello, SoundHello(change));

    public static byte[] Request<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        ulong callId,
        ReadOnlySpan<byte> payload = default,
        uint timeoutMs = 9000)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new() =>
        Frame(FrameKind.Request, request, payload, method.Id, timeoutMs, callId);

    public static byte[] Frame(
        FrameKind kind,
        IMessage? body = null,
        ReadOnlySpan<byte> payload = default,
        uint method = 0,
        uint argument = 0,
        ulong callId = 0)
    {
        var length = body?.CalculateSize() ?? 0;
        var frame = new byte[FrameHeader.Size + length + payload.Length];
        new FrameHeader(kind, length, payload.Length, method, argument, callId, default).Write(frame);
        body.ToByteArrayOrEmpty().CopyTo(frame.AsSpan(FrameHeader.Size));
        FrameHeader.Seal(frame.AsSpan(0, FrameHeader.Size + length));
        payload.CopyTo(frame.AsSpan(FrameHeader.Size + length));
        return frame;
    }

    /// <summary>A sound header over any lengths, with its checksum over what is there.</summary>
    public static byte[] Header(FrameKind kind, uint length, uint bodyLength, ulong callId = 1, uint method = 0xfd01)
    {
        var frame = new byte[FrameHeader.Size];
        new FrameHeader(kind, 0, 0, method, 0, callId, default).Write(frame);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), bodyLength);
        FrameHeader.Seal(frame);
        return frame;
    }

    /// <summary>Changes bytes of a frame and makes its checksum right again.</summary>
    public static byte[] Changed(byte[] frame, Action<byte[]> change)
    {
        var copy = (byte[])frame.Clone();
        change(copy);
        Reseal(copy);
        return copy;
    }

    /// <summary>
    /// Makes the checksum right again; a body that is longer than what is there counts up to the end.
    /// </summary>
    public static void Reseal(byte[] frame)
    {
        var bodyLength = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(4));
        frame.AsSpan(8, sizeof(uint)).Clear();
        FrameHeader.Seal(frame.AsSpan(0, (int)Math.Min((ulong)frame.Length, FrameHeader.Size + (ulong)bodyLength)));
    }

    private static byte[] ToByteArrayOrEmpty(this IMessage? message) => message?.ToByteArray() ?? [];
}
