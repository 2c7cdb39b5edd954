using System.Net.Security;
using DistFS.Primitives;
using DistFS.Raft;
using DistFS.Rpc.Frames;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DistFS.Metaserver.Consensus;

/// <summary>How a <see cref="RaftTransport"/> reaches the other members.</summary>
public sealed record RaftTransportOptions
{
    /// <summary>The most bytes of entries, or of a piece of a snapshot, that a message may carry.</summary>
    public const int MessageBytesMax = 46 << 20;

    // The batch that was not yet full when the largest message came, and what is around its bytes.
    private const int BytesAround = 2 << 20;

    /// <summary>The cluster. Nothing of another one is accepted.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>Who this is.</summary>
    public required MemberId Self { get; init; }

    /// <summary>Where this member listens, as others reach it.</summary>
    public required string Address { get; init; }

    /// <summary>Of the connections. Limits are raised to what the largest command needs.</summary>
    public FrameOptions Frames { get; init; } = new()
    {
        KeepAliveInterval = TimeSpan.FromSeconds(1),
        KeepAliveTimeout = TimeSpan.FromSeconds(4),
        HandshakeTimeout = TimeSpan.FromSeconds(2),
    };

    /// <summary>Set to use TLS.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Messages that are sent together have so many bytes at most; a larger one goes alone.</summary>
    public int BatchBytesMax { get; init; } = 1 << 20;

    /// <summary>Bytes that wait for one member, per lane; beyond, messages are lost.</summary>
    public long QueueBytesMax { get; init; } = 32 << 20;

    /// <summary>Calls on the way to one member, per lane. What comes meanwhile goes together with the next.</summary>
    public int CallsMax { get; init; } = 4;

    /// <summary>A call without a reply for so long is given up.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Between attempts to connect, at most: a member that came back must not wait long for its
    /// leader.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Where it tells what happens.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>What the server of a member must allow, so that the largest command of these options fits.</summary>
    public static FrameOptions ServerFrames(FrameOptions frames, RaftOptions raft)
    {
        ArgumentNullException.ThrowIfNull(frames);
        ArgumentNullException.ThrowIfNull(raft);
        var payload = PayloadBytes(raft);
        return frames with
        {
            PayloadBytesMax = Math.Max(frames.PayloadBytesMax, payload),
            RequestWindowBytes = Math.Max(frames.RequestWindowBytes, 4L * payload),
        };
    }

    /// <summary>The largest batch: one command with what is around it, or a full one.</summary>
    internal static int PayloadBytes(RaftOptions raft) => BytesAround + (int)Math.Min(
        MessageBytesMax, Math.Max(raft.CommandBytesMax, Math.Max(raft.AppendBytesMax, raft.SnapshotPieceBytes)));
}
