using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Rpc.Frames;

/// <summary>Limits and time-outs of frame connections. Every one has a default that suits a local network.</summary>
public sealed record FrameOptions
{
    /// <summary>A received message may have so many bytes. Default 4 MiB.</summary>
    public int BodyBytesMax { get; init; } = 4 << 20;

    /// <summary>A received raw payload may have so many bytes. Default 4 MiB.</summary>
    public int PayloadBytesMax { get; init; } = 4 << 20;

    /// <summary>The peer may have so many calls under way to us. Default 1,024; at most 65,536.</summary>
    public int CallsMax { get; init; } = 1024;

    /// <summary>The requests of these calls may have so many bytes in all. Default 32 MiB.</summary>
    public long RequestWindowBytes { get; init; } = 32L << 20;

    /// <summary>
    /// A stream's sender may be so many bytes ahead of its reader. Default 1 MiB. One reply more may be under way.
    /// </summary>
    public int StreamWindowBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Over so many bytes waiting to be sent, new calls of ours wait and new calls of the peer do not start. Default
    /// 16 MiB.
    /// </summary>
    public long SendQueueBytesMax { get; init; } = 16L << 20;

    /// <summary>From the connection's start to the peer's Hello. Default 5 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A connection that received nothing for so long is pinged. Default 3 s.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A connection that received nothing for so long is closed. Default 10 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A peer that takes no byte, or that does not complete a frame it has begun, for so long is given up; a frame may
    /// take longer by <see cref="FrameBytesPerSecondMin"/>. Default 10 s.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The slowest rate at which a frame that has begun may arrive. Default 64 KiB/s.</summary>
    public int FrameBytesPerSecondMin { get; init; } = 64 << 10;

    /// <summary>What we say we are, for the peer's logs. At most 128 characters.</summary>
    public string Agent { get; init; } = "DistFS";

    /// <summary>What the connection is for; a client's choice.</summary>
    public Lane Lane { get; init; } = Lane.Data;

    /// <summary>A client's proof of identity, for the server's authentication hook; at most 4 KiB.</summary>
    public ReadOnlyMemory<byte> Credential { get; init; }

    /// <summary>Sees every call that is made.</summary>
    public IReadOnlyList<IClientInterceptor> Interceptors { get; init; } = [];

    internal FrameLimits Limits => new((uint)BodyBytesMax, (uint)PayloadBytesMax);

    /// <summary>Returns itself when every value is in range.</summary>
    /// <exception cref="RpcException">Code <see cref="ErrorCatalog.Configuration"/>; names the value.</exception>
    public FrameOptions Validate()
    {
        Require(BodyBytesMax is >= 4096 and <= 64 << 20, nameof(BodyBytesMax), "4 KiB to 64 MiB");
        Require(PayloadBytesMax is >= 4096 and <= 64 << 20, nameof(PayloadBytesMax), "4 KiB to 64 MiB");
        Require(CallsMax is >= 1 and <= 65536, nameof(CallsMax), "1 to 65,536");
        Require(
            RequestWindowBytes >= (long)BodyBytesMax + PayloadBytesMax + FrameHeader.Size,
            nameof(RequestWindowBytes),
            "at least one request of the largest size");
        Require(StreamWindowBytes >= 4096, nameof(StreamWindowBytes), "at least 4 KiB");
        Require(SendQueueBytesMax >= 64 << 10, nameof(SendQueueBytesMax), "at least 64 KiB");
        Require(FrameBytesPerSecondMin >= 1, nameof(FrameBytesPerSecondMin), "at least 1");
        Require(HandshakeTimeout > TimeSpan.Zero, nameof(HandshakeTimeout), "positive");
        Require(StallTimeout > TimeSpan.Zero, nameof(StallTimeout), "positive");
        Require(
            KeepAliveInterval > TimeSpan.Zero && KeepAliveInterval < KeepAliveTimeout,
            nameof(KeepAliveInterval),
            "positive and below KeepAliveTimeout");
        Require(Agent.Length <= 128, nameof(Agent), "at most 128 characters");
        Require(Credential.Length <= 4096, nameof(Credential), "at most 4 KiB");
        return this;
    }

    private static void Require(bool holds, string name, string range)
    {
        if (!holds)
        {
            throw new RpcException(ErrorCatalog.Configuration, $"FrameOptions.{name} must be {range}.");
        }
    }
}
