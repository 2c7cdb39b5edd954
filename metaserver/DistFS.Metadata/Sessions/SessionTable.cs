using System.Buffers;
using System.Buffers.Binary;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Sessions;

/// <summary>What is known of a request before it is executed.</summary>
internal enum RequestState
{
    /// <summary>It is to be executed.</summary>
    New,

    /// <summary>It was executed; there is its reply.</summary>
    Repeated,

    /// <summary>There is no such session: it ended, or never began.</summary>
    NoSession,

    /// <summary>The client has said that it has the reply already.</summary>
    Stale,

    /// <summary>Under this number the client has sent something else.</summary>
    Different,

    /// <summary>Too far ahead of what the client has acknowledged.</summary>
    TooFarAhead,
}

/// <summary>
/// Sessions of clients, and the replies of their requests until they are acknowledged: so that a request that comes
/// twice is executed once (thesis, 6.3).
/// </summary>
internal sealed class SessionTable(Changes changes)
{
    /// <summary>Requests of one client between the oldest that is not acknowledged and the newest.</summary>
    public const ulong WindowMax = 1024;

    /// <summary>Sessions that one entry ends at most.</summary>
    public const int ExpireMax = 64;

    // Of a session's number those that its index takes, which the log gets through in 89 years of 100,000 entries a
    // second.
    private const int IndexBits = 48;

    private readonly ArrayBufferWriter<byte> _value = new();

    // The row that is being written.
    private readonly ArrayBufferWriter<byte> _row = new();

    /// <summary>
    /// Begins a session; the same call again hears of it, while it lives. Afterwards it begins another one, of which
    /// nobody knows and which ends by itself: a number that came back would have its requests executed again.
    /// </summary>
    /// <param name="nonce">What the client drew for it.</param>
    /// <param name="index">Of the entry.</param>
    /// <param name="leaseMs">It ends when nothing was heard of it for so long.</param>
    /// <param name="now">The time of the entry.</param>
    /// <param name="usesLeases">Whether it does.</param>
    /// <returns>Its number.</returns>
    public ClientId Open(ulong nonce, LogIndex index, ulong leaseMs, FileTime now, bool usesLeases = false)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        if (TryRead(KeyOf(key, RowTable.SessionNonce, nonce)))
        {
            var known = new ClientId(BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan));
            Check.That(Hear(known, now));
            return known;
        }

        var client = Number(nonce, index);
        BeginRow(new SessionRow(leaseMs, 0, now, usesLeases, Nonce: nonce));
        PutRow(client);
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, client.Value);
        changes.Put(KeyOf(key, RowTable.SessionNonce, nonce), value);
        return client;
    }

    /// <summary>Hears of a session; false if there is none.</summary>
    public bool Hear(ClientId client, FileTime now)
    {
        if (!TryGet(client, out var session))
        {
            return false;
        }

        BeginRow(session with { Heard = now });
        Replies.CopyAfter(session.Acknowledged, _row);
        PutRow(client);
        return true;
    }

    /// <summary>Whether a request is to be executed; of a repeated one, the reply.</summary>
    public RequestState Look(ClientId client, SequenceNumber sequence, ulong digest, out byte[]? reply)
    {
        reply = null;
        if (!TryGet(client, out var session))
        {
            return RequestState.NoSession;
        }

        if (sequence.Value <= session.Acknowledged)
        {
            return RequestState.Stale;
        }

        if (sequence.Value - session.Acknowledged > WindowMax)
        {
            return RequestState.TooFarAhead;
        }

        if (!Replies.TryFind(sequence.Value, out var saved, out var bytes))
        {
            // Most are not there, and to ask for them costs more than all else here.
            if (sequence.Value > session.Apart
                || !TryRead(ReplyKey(stackalloc byte[RowKey.BytesMax], client, sequence.Value)))
            {
                return RequestState.New;
            }

            saved = BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan);
            bytes = _value.WrittenSpan[sizeof(ulong)..];
        }

        if (saved != digest)
        {
            return RequestState.Different;
        }

        reply = bytes.ToArray();
        return RequestState.Repeated;
    }

    /// <summary>Keeps the reply of a request that was executed, and forgets those that the client has.</summary>
    public void Executed(
        ClientId client, SequenceNumber sequence, ulong acknowledged, ulong digest, byte[] reply, FileTime now)
    {
        Check.That(TryGet(client, out var session));

        // A request has not its own reply yet.
        acknowledged = Math.Max(session.Acknowledged, Math.Min(acknowledged, sequence.Value - 1));
        var isHere = Replies.BytesAfter(acknowledged) + SavedReplies.SizeOf(reply) <= SavedReplies.BytesMax;
        ForgetApart(client, session, acknowledged);
        BeginRow(session with
        {
            Acknowledged = acknowledged,
            Heard = now,
            Apart = isHere ? session.Apart : Math.Max(session.Apart, sequence.Value),
        });
        Replies.CopyAfter(acknowledged, _row);
        if (Teeth.Has(PlantedBug.ReplyNotSaved))
        {
            // Executed, and nobody will know.
        }
        else if (isHere)
        {
            SavedReplies.Append(sequence.Value, digest, reply, _row);
        }
        else
        {
            PutApart(client, sequence, digest, reply);
        }

        PutRow(client);
    }

    /// <summary>
    /// Ends sessions whose time is over (<see cref="SessionRow.IsOver"/>), <see cref="ExpireMax"/> at most, so that no
    /// entry takes long; returns them in order. Likewise those that were ended early are forgotten: their clients
    /// believe no lease any more.
    /// </summary>
    public IReadOnlyList<ClientId> Expire(FileTime now, ulong ledMs)
    {
        var ended = new List<(ClientId Client, SessionRow Session)>();
        changes.Scan([(byte)RowTable.Session], [(byte)RowTable.Session + 1], (key, value) =>
        {
            var session = SessionRow.Read(value);
            if (session.IsOver(now, ledMs))
            {
                ended.Add((new ClientId(RowKey.InodeOf(key).Value), session));
            }

            return ended.Count < ExpireMax;
        });
        foreach (var (client, session) in ended)
        {
            Remove(client, session);
        }

        ForgetEnded(now, ledMs);
        return [.. ended.Select(static session => session.Client)];
    }

    /// <summary>
    /// Ends a session before its time; false if there is none. Its leases are remembered for as long as the session
    /// could have lived, unless its client believes none any more.
    /// </summary>
    public bool End(ClientId client, bool believesNoLease = false)
    {
        if (!TryGet(client, out var session))
        {
            return false;
        }

        if (session.UsesLeases && !believesNoLease)
        {
            Span<byte> row = stackalloc byte[SessionRow.SizeBytes];
            session.Write(row);
            changes.Put(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.EndedHolder, client.Value), row);
        }

        Remove(client, session);
        return true;
    }

    private void Remove(ClientId client, in SessionRow session)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        Span<byte> end = stackalloc byte[RowKey.BytesMax];
        changes.Delete(KeyOf(key, RowTable.Session, client.Value));
        changes.Delete(KeyOf(key, RowTable.SessionNonce, session.Nonce));
        if (session.Apart <= session.Acknowledged)
        {
            return;
        }

        // Few of the window are there: they are found by one scan, not by asking for each.
        var replies = new List<byte[]>();
        changes.Scan(
            ReplyKey(key, client, session.Acknowledged + 1),
            RowKey.After(end, RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Reply, new InodeId(client.Value))),
            (found, _) =>
            {
                replies.Add(found.ToArray());
                return true;
            });
        foreach (var reply in replies)
        {
            changes.Delete(reply);
        }
    }

    private void ForgetEnded(FileTime now, ulong ledMs)
    {
        var over = new List<byte[]>();
        changes.Scan([(byte)RowTable.EndedHolder], [(byte)RowTable.EndedHolder + 1], (key, value) =>
        {
            if (SessionRow.Read(value).IsOver(now, ledMs))
            {
                over.Add(key.ToArray());
            }

            return over.Count < ExpireMax;
        });
        foreach (var key in over)
        {
            changes.Delete(key);
        }
    }

    /// <summary>
    /// The index of the entry that began it (thesis, 6.3), which no other has. Above it stand bits of the nonce:
    /// another cluster has the same indices, and so has this one after it was set back to a copy; their clients have
    /// to be told that their sessions are not here.
    /// </summary>
    private static ClientId Number(ulong nonce, LogIndex index)
    {
        Check.That(index.Value >> IndexBits == 0);
        return new ClientId(
            Teeth.Has(PlantedBug.SessionRevived) ? nonce : (nonce >> IndexBits << IndexBits) | index.Value);
    }

    private static ReadOnlySpan<byte> KeyOf(Span<byte> buffer, RowTable table, ulong number)
    {
        var key = new RowKey(buffer, table);
        key.Add(number);
        return key.Bytes;
    }

    private static ReadOnlySpan<byte> ReplyKey(Span<byte> buffer, ClientId client, ulong sequence)
    {
        var key = new RowKey(buffer, RowTable.Reply);
        key.Add(client.Value);
        key.Add(sequence);
        return key.Bytes;
    }

    private bool TryGet(ClientId client, out SessionRow session)
    {
        var found = TryRead(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.Session, client.Value));
        session = found ? SessionRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>The replies in the session's row that was read last.</summary>
    private SavedReplies Replies => new(_value.WrittenSpan[SessionRow.SizeBytes..]);

    private void PutApart(ClientId client, SequenceNumber sequence, ulong digest, byte[] reply)
    {
        var row = new byte[sizeof(ulong) + reply.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(row, digest);
        reply.CopyTo(row.AsSpan(sizeof(ulong)));
        changes.Put(ReplyKey(stackalloc byte[RowKey.BytesMax], client, sequence.Value), row);
    }

    /// <summary>Of requests up to <paramref name="acknowledged"/>, the replies that are in rows of their own.</summary>
    private void ForgetApart(ClientId client, in SessionRow session, ulong acknowledged)
    {
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        var last = Math.Min(acknowledged, session.Apart);
        for (var at = session.Acknowledged + 1; at <= last; at++)
        {
            if (!Replies.TryFind(at, out _, out _))
            {
                changes.Delete(ReplyKey(key, client, at));
            }
        }
    }

    private void BeginRow(in SessionRow session)
    {
        _row.ResetWrittenCount();
        session.Write(_row.GetSpan(SessionRow.SizeBytes));
        _row.Advance(SessionRow.SizeBytes);
    }

    private void PutRow(ClientId client) =>
        changes.Put(KeyOf(stackalloc byte[RowKey.BytesMax], RowTable.Session, client.Value), _row.WrittenSpan);

    private bool TryRead(ReadOnlySpan<byte> key)
    {
        _value.ResetWrittenCount();
        return changes.TryRead(key, _value);
    }
}
