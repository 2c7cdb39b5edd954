using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>Bytes of messages.</summary>
public static partial class RaftCodec
{
    /// <summary>An entry in an append is at least this long, so that a count cannot claim more than there is.</summary>
    private const int EntryHeaderBytes = 8 + 1 + 4;

    /// <summary>Writes a message. Whose cluster it belongs to stands in what it travels in.</summary>
    public static void WriteMessage(RaftMessage message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(output);
        Write(output, Version);
        Write(output, (byte)KindOf(message));
        Write(output, message.From.Value);
        Write(output, message.FromStore.Value);
        Write(output, message.To.Value);
        Write(output, message.Term.Value);
        switch (message)
        {
            case VoteRequest request:
                Write(output, request.IsPreVote);
                Write(output, request.Last);
                Write(output, request.IsTransfer);
                break;
            case VoteReply reply:
                Write(output, reply.IsPreVote);
                Write(output, reply.Granted);
                break;
            case AppendRequest request:
                WriteAppend(request, output);
                break;
            case AppendReply reply:
                Write(output, reply.Rejected);
                Write(output, reply.Index.Value);
                Write(output, reply.Hint);
                break;
            case Heartbeat beat:
                Write(output, beat.Commit.Value);
                Write(output, beat.ReadRound);
                break;
            case HeartbeatReply reply:
                Write(output, reply.ReadRound);
                Write(output, reply.LastIndex.Value);
                Write(output, reply.IsWhole);
                break;
            case SnapshotPiece piece:
                WritePiece(piece, output);
                break;
            case SnapshotReply reply:
                Write(output, reply.SnapshotId);
                Write(output, (ulong)reply.NextOffset);
                Write(output, reply.Installed);
                Write(output, reply.Match.Value);
                break;
            case ReadIndexRequest request:
                Write(output, request.ReadId);
                break;
            case ReadIndexReply reply:
                Write(output, reply.ReadId);
                Write(output, reply.Index.Value);
                break;
            default:
                break;
        }
    }

    /// <summary>
    /// Reads a message. The data of entries and pieces are slices of <paramref name="bytes"/>, which must not change
    /// afterwards.
    /// </summary>
    /// <returns>False, with a reason, for anything that <see cref="WriteMessage"/> did not write; never
    /// throws.</returns>
    public static bool TryReadMessage(
        ReadOnlyMemory<byte> bytes,
        [NotNullWhen(true)] out RaftMessage? message,
        [NotNullWhen(false)] out string? fault)
    {
        var reader = new ByteReader(bytes.Span);
        var version = reader.Byte();
        var kind = (MessageKind)reader.Byte();
        var head = new Head(
            new MemberId(reader.UInt64()), new StoreId(reader.UInt64()), new MemberId(reader.UInt64()),
            new Term(reader.UInt64()));
        message = null;
        fault = version != Version && bytes.Length > 0 ? $"version {version} of a message is not known here" : null;
        if (fault == null)
        {
            message = ReadBody(kind, head, bytes, ref reader, out fault);
            fault ??= message == null ? $"kind {(byte)kind} of a message is not known here"
                : reader.IsShort ? "it ends too early"
                : reader.IsAtEnd ? null
                : "bytes after its end";
        }

        if (fault != null)
        {
            message = null;
            return false;
        }

        message!.Sign(head.FromStore);
        return true;
    }

    private static MessageKind KindOf(RaftMessage message) => message switch
    {
        VoteRequest => MessageKind.VoteRequest,
        VoteReply => MessageKind.VoteReply,
        AppendRequest => MessageKind.AppendRequest,
        AppendReply => MessageKind.AppendReply,
        Heartbeat => MessageKind.Heartbeat,
        HeartbeatReply => MessageKind.HeartbeatReply,
        SnapshotPiece => MessageKind.SnapshotPiece,
        SnapshotReply => MessageKind.SnapshotReply,
        ReadIndexRequest => MessageKind.ReadIndexRequest,
        ReadIndexReply => MessageKind.ReadIndexReply,
        TimeoutNow => MessageKind.TimeoutNow,
        _ => throw new ArgumentException($"{message.GetType().Name} has no kind.", nameof(message)),
    };

    private static RaftMessage? ReadBody(
        MessageKind kind, Head h, ReadOnlyMemory<byte> bytes, ref ByteReader r, out string? fault)
    {
        fault = null;
        switch (kind)
        {
            case MessageKind.VoteRequest:
                return new VoteRequest
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    IsPreVote = r.Flag(),
                    Last = r.Id(),
                    IsTransfer = r.Flag(),
                };
            case MessageKind.VoteReply:
                return new VoteReply
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    IsPreVote = r.Flag(),
                    Granted = r.Flag(),
                };
            case MessageKind.AppendRequest:
                return ReadAppend(h, bytes, ref r, out fault);
            case MessageKind.AppendReply:
                return new AppendReply
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    Rejected = r.Flag(),
                    Index = r.Index(),
                    Hint = r.Id(),
                };
            case MessageKind.Heartbeat:
                return new Heartbeat
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    Commit = r.Index(),
                    ReadRound = r.UInt64(),
                };
            case MessageKind.HeartbeatReply:
                return new HeartbeatReply
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    ReadRound = r.UInt64(),
                    LastIndex = r.Index(),
                    IsWhole = r.Flag(),
                };
            case MessageKind.SnapshotPiece:
                return ReadPiece(h, bytes, ref r, out fault);
            case MessageKind.SnapshotReply:
                return new SnapshotReply
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    SnapshotId = r.UInt64(),
                    NextOffset = (long)r.UInt64(),
                    Installed = r.Flag(),
                    Match = r.Index(),
                };
            case MessageKind.ReadIndexRequest:
                return new ReadIndexRequest { From = h.From, To = h.To, Term = h.Term, ReadId = r.UInt64() };
            case MessageKind.ReadIndexReply:
                return new ReadIndexReply
                {
                    From = h.From,
                    To = h.To,
                    Term = h.Term,
                    ReadId = r.UInt64(),
                    Index = r.Index(),
                };
            case MessageKind.TimeoutNow:
                return new TimeoutNow { From = h.From, To = h.To, Term = h.Term };
            default:
                return null;
        }
    }

    private static void WriteAppend(AppendRequest request, IBufferWriter<byte> output)
    {
        Write(output, request.Previous);
        Write(output, request.Commit.Value);
        Write(output, (uint)request.Entries.Count);
        var index = request.Previous.Index;
        foreach (var entry in request.Entries)
        {
            // Their indexes follow from the first, so only consecutive ones can be told.
            Check.That(entry.Index == index.Next);
            index = entry.Index;
            Write(output, entry.Term.Value);
            Write(output, (byte)entry.Kind);
            Write(output, (uint)entry.Data.Length);
            output.Write(entry.Data.Span);
        }
    }

    private static AppendRequest? ReadAppend(
        Head head, ReadOnlyMemory<byte> bytes, ref ByteReader reader, out string? fault)
    {
        fault = null;
        var previous = reader.Id();
        var commit = reader.Index();
        var count = reader.UInt32();
        if (reader.IsShort || count > (bytes.Length - reader.Position) / EntryHeaderBytes)
        {
            fault = "it ends too early";
            return null;
        }

        var entries = new RaftEntry[count];
        var index = previous.Index;
        for (var i = 0; i < entries.Length; i++)
        {
            var term = new Term(reader.UInt64());
            var kind = reader.Byte();
            var length = reader.Length();
            var start = reader.Position;
            reader.Bytes(length);
            if (reader.IsShort)
            {
                fault = "it ends too early";
                return null;
            }

            if (kind > (byte)EntryKind.Configuration)
            {
                fault = $"kind {kind} of an entry is not known here";
                return null;
            }

            index = index.Next;
            entries[i] = new RaftEntry
            {
                Id = new EntryId(term, index),
                Kind = (EntryKind)kind,
                Data = bytes.Slice(start, length),
            };
        }

        return new AppendRequest
        {
            From = head.From,
            To = head.To,
            Term = head.Term,
            Previous = previous,
            Commit = commit,
            Entries = entries,
        };
    }

    private static void WritePiece(SnapshotPiece piece, IBufferWriter<byte> output)
    {
        Write(output, piece.Snapshot.Id);
        Write(output, piece.Snapshot.Last);
        Write(output, (ulong)piece.Snapshot.SizeBytes);
        Write(output, piece.Snapshot.Checksum);
        WriteConfiguration(piece.Snapshot.Configuration, output);
        Write(output, (ulong)piece.Offset);
        Write(output, (uint)piece.Length);
        Write(output, (uint)piece.Data.Length);
        output.Write(piece.Data.Span);
    }

    private static SnapshotPiece? ReadPiece(
        Head head, ReadOnlyMemory<byte> bytes, ref ByteReader reader, out string? fault)
    {
        var id = reader.UInt64();
        var last = reader.Id();
        var size = (long)reader.UInt64();
        var checksum = reader.UInt32();
        if (ReadConfiguration(ref reader, out fault) is not { } configuration)
        {
            return null;
        }

        var offset = (long)reader.UInt64();
        var length = reader.Length();
        var dataLength = reader.Length();
        var start = reader.Position;
        reader.Bytes(dataLength);
        if (reader.IsShort)
        {
            fault = "it ends too early";
            return null;
        }

        return new SnapshotPiece
        {
            From = head.From,
            To = head.To,
            Term = head.Term,
            Snapshot = new SnapshotMeta
            {
                Id = id,
                Last = last,
                Configuration = configuration,
                SizeBytes = size,
                Checksum = checksum,
            },
            Offset = offset,
            Length = length,
            Data = bytes.Slice(start, dataLength),
        };
    }

    private readonly record struct Head(MemberId From, StoreId FromStore, MemberId To, Term Term);
}
