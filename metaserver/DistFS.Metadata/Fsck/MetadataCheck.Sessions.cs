using System.Buffers.Binary;
using System.Runtime.InteropServices;
using DistFS.Metadata.Locks;
using DistFS.Metadata.Opens;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Sessions;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>
/// Opens and locks are of sessions, and counted; locks that are held go together, who waits must, and each is of a
/// session that has the inode open.
/// </content>
public sealed partial class MetadataCheck
{
    private readonly HashSet<ulong> _sessions = [];
    private readonly Dictionary<ulong, SessionUseRow> _use = [];
    private readonly HashSet<ClientId> _openBy = [];
    private long _sessionLocks;
    private long _lockWaits;

    private void TakeSessions()
    {
        for (var rows = Open(RowTable.Session); !rows.IsEnd; rows.Next())
        {
            _sessions.Add(rows.Inode.Value);
            ExpectOpened(rows.Inode.Value, SessionRow.Read(rows.Value).Nonce);
        }

        _findings.Expect(
            CountRows(RowTable.SessionNonce) == _sessions.Count, FindingKind.Open, default,
            $"calls are noted that opened sessions which are no more");
        for (var rows = Open(RowTable.EndedSession); !rows.IsEnd; rows.Next())
        {
            _findings.Expect(
                _sessions.Add(rows.Inode.Value), FindingKind.Open, default,
                $"{new ClientId(rows.Inode.Value)} is a session, and one that is over");
        }
    }

    private void ExpectOpened(ulong client, ulong nonce)
    {
        var key = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.SessionNonce);
        key.Add(nonce);
        _findings.Expect(
            TryRead(key.Bytes) && BinaryPrimitives.ReadUInt64LittleEndian(_value.WrittenSpan) == client,
            FindingKind.Open, default, $"the call that opened {new ClientId(client)} is not known");
    }

    private void CompareOpens(InodeId id, in InodeRow inode)
    {
        _openBy.Clear();
        var opens = 0u;
        for (; _opens.IsAt(id); _opens.Next())
        {
            TakeOpen(id);
            opens++;
        }

        _findings.Expect(inode.Opens == opens, FindingKind.Open, id,
            $"{id} says that it is open {inode.Opens} times, and is {opens} times");
        for (; _locks.IsAt(id); _locks.Next())
        {
            TakeLocks(id);
        }
    }

    private void TakeOpen(InodeId id)
    {
        var (client, handle) = (RowKey.CookieOf(_opens.Key), RowKey.HandleOf(_opens.Key));
        OpenRow.Read(_opens.Value);
        _openBy.Add(new ClientId(client));
        ref var use = ref CollectionsMarshal.GetValueRefOrAddDefault(_use, client, out _);
        use = use with { Opens = use.Opens + 1 };
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        _findings.Expect(
            TryRead(RowKey.OfOpen(key, RowTable.SessionOpen, client, id.Value, handle)), FindingKind.Open, id,
            $"{id} is open by {new ClientId(client)}, which does not know of it");
        _findings.Expect(_sessions.Contains(client), FindingKind.Open, id,
            $"{id} is open by {new ClientId(client)}, which is no session");
    }

    private void TakeLocks(InodeId id)
    {
        var locks = new InodeLocks();
        LocksRow.Read(_locks.Value, locks.Held, locks.Waiting);
        Span<byte> key = stackalloc byte[RowKey.BytesMax];
        foreach (var (client, count) in locks.MoreThan(new InodeLocks()))
        {
            ref var use = ref CollectionsMarshal.GetValueRefOrAddDefault(_use, client.Value, out _);
            use = use with { Locks = use.Locks + (uint)count };
            _sessionLocks++;
            _findings.Expect(_openBy.Contains(client), FindingKind.Lock, id,
                $"{client} has a lock of {id}, which it has not open");
            ExpectNoted(TryRead(RowKey.Of(key, RowTable.SessionLock, client.Value, id.Value)), id);
        }

        foreach (var owner in locks.Waiters.Distinct())
        {
            _lockWaits++;
            ExpectNoted(
                TryRead(RowKey.OfOpen(key, RowTable.LockWait, owner.Client.Value, owner.Id, id.Value)), id);
        }

        _findings.Expect(
            !locks.Held.Any(one => locks.Held.Any(other => one.Conflicts(other))), FindingKind.Lock, id,
            $"locks of {id} are held that conflict");
        var next = locks.NextToGrant();
        _findings.Expect(next == null, FindingKind.Lock, id,
            $"{next?.Owner} waits for a lock of {id} that it may have");
    }

    private void ExpectNoted(bool isSo, InodeId id) => _findings.Expect(isSo, FindingKind.Lock, id,
        $"the locks by session or by owner are not those by inode");

    private IEnumerable<int> CompareSessions()
    {
        for (var rows = Open(RowTable.SessionOpen); !rows.IsEnd; rows.Next())
        {
            TakeSessionOpen(rows);
            yield return 0;
        }

        ExpectNoted(CountRows(RowTable.SessionLock) == _sessionLocks, default);
        ExpectNoted(CountRows(RowTable.LockWait) == _lockWaits, default);
        for (var rows = Open(RowTable.SessionUse); !rows.IsEnd; rows.Next())
        {
            TakeUse(rows);
            yield return 0;
        }

        foreach (var (client, use) in _use)
        {
            _findings.Expect(false, FindingKind.Open, default,
                $"{new ClientId(client)} has {use.Opens} opens and {use.Locks} locks, and says that it has none");
        }
    }

    private void TakeSessionOpen(RowCursor rows)
    {
        var (client, id, handle) = (rows.Inode.Value, RowKey.CookieOf(rows.Key), RowKey.HandleOf(rows.Key));
        _findings.Expect(
            TryRead(RowKey.OfOpen(stackalloc byte[RowKey.BytesMax], RowTable.Open, id, client, handle)),
            FindingKind.Open,
            new InodeId(id),
            $"{new ClientId(client)} has {new InodeId(id)} open, which does not know of it");
    }

    private void TakeUse(RowCursor rows)
    {
        var (client, said) = (rows.Inode.Value, SessionUseRow.Read(rows.Value));
        _use.Remove(client, out var use);
        _findings.Expect(said == use, FindingKind.Open, default,
            $"{new ClientId(client)} says {said.Opens} opens and {said.Locks} locks, and has {use.Opens} "
                + $"and {use.Locks}");
    }
}
