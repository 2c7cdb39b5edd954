using System.Buffers.Binary;
using DistFS.Metadata.Leases;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>Who believes what about leases, by his own clock.</summary>
public interface ILeaseHolder
{
    /// <summary>Whose session; 0: it has none.</summary>
    ClientId Session { get; }

    /// <summary>What it would do by itself with an inode at this moment.</summary>
    LeaseMode Believes(ulong inode);
}

/// <summary>A value that a client wrote, to its cache or through.</summary>
/// <param name="value">Names it: nobody writes the same.</param>
/// <param name="inode">Where to.</param>
/// <param name="session">Whose.</param>
public sealed class LeasedValue(ulong value, ulong inode, ClientId session)
{
    /// <summary>Names it.</summary>
    public ulong Value => value;

    /// <summary>Where to.</summary>
    public ulong Inode => inode;

    /// <summary>Whose.</summary>
    public ClientId Session => session;

    /// <summary>Its place among the writes to its inode; 0: it has none yet.</summary>
    public long Place { get; set; }

    /// <summary>Whether the log has it.</summary>
    public bool IsInLog { get; set; }

    /// <summary>Its session ended before it was in the log.</summary>
    public bool IsLost { get; set; }
}

/// <summary>
/// Inodes under leases, each of which has one value, and all writes to them: of a buffered one the place is known when
/// it is buffered, since nobody else may write then, of one that is written through when the log has it.
/// </summary>
public sealed class LeasedValues
{
    private readonly Dictionary<ulong, LeasedValue> _values = [];
    private readonly SortedDictionary<ulong, Inode> _inodes = [];
    private readonly HashSet<ulong> _ended = [];

    /// <summary>The attribute that has the value.</summary>
    public static ByteString Name { get; } = MetadataPlaces.Bytes("user.lease");

    /// <summary>Those who may believe something.</summary>
    public List<ILeaseHolder> Holders { get; } = [];

    /// <summary>How often what was done.</summary>
    public SortedDictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

    /// <summary>The write of a value.</summary>
    public static MutateRequest ToRequest(ulong inode, ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return new MutateRequest
        {
            Operations =
            {
                new Operation
                {
                    Caller = new Caller(),
                    SetXattr = new SetXattrRequest { Inode = inode, Name = Name, Value = ByteString.CopyFrom(bytes) },
                },
            },
        };
    }

    /// <summary>Counts something.</summary>
    public void Count(string what) => Counts[$"lease: {what}"] = Counts.GetValueOrDefault($"lease: {what}") + 1;

    /// <summary>A new value, to be written.</summary>
    public LeasedValue NewValue(ulong inode, ClientId session)
    {
        var value = new LeasedValue((ulong)_values.Count + 1, inode, session);
        return _values[value.Value] = value;
    }

    /// <summary>A client has it in its buffer, and said that it is written.</summary>
    public void Buffered(LeasedValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var inode = Of(value.Inode);
        value.IsLost = _ended.Contains(value.Session.Value);
        inode.Add(value);
        inode.Seen = value.Place;
    }

    /// <summary>The log has a value; null: it is none of these, or has been there before.</summary>
    public LeasedValue? InLog(ulong value)
    {
        if (!_values.TryGetValue(value, out var written) || written.IsInLog)
        {
            return null;
        }

        written.IsInLog = true;
        if (written.Place == 0)
        {
            Of(written.Inode).Add(written);
        }

        return written;
    }

    /// <summary>A client was told that a value is in the log.</summary>
    public void Acknowledged(LeasedValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var inode = Of(value.Inode);
        inode.Seen = Math.Max(inode.Seen, value.Place);
    }

    /// <summary>It never comes into the log, unless it is there.</summary>
    public static void Lose(LeasedValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        value.IsLost |= !value.IsInLog;
    }

    /// <summary>A session is over in the log: what it has buffered never gets there.</summary>
    public void Ended(ClientId session)
    {
        _ended.Add(session.Value);
        foreach (var value in _values.Values)
        {
            if (value.Session == session)
            {
                Lose(value);
            }
        }
    }

    /// <summary>Whether a session is over in the log.</summary>
    public bool HasEnded(ClientId session) => _ended.Contains(session.Value);

    /// <summary>Whoever begins to look at an inode now must see this place, or a later one.</summary>
    public long Seen(ulong inode) => Of(inode).Seen;

    /// <summary>What may be read at the earliest by who began then, without what was lost; 0 is nothing.</summary>
    public long Required(ulong inode, long seen)
    {
        var writes = Of(inode).Writes;
        for (var place = (int)seen; place > 0; place--)
        {
            if (!writes[place - 1].IsLost)
            {
                return place;
            }
        }

        return 0;
    }

    /// <summary>The place of a value that was read.</summary>
    public long PlaceOf(ulong value) => value == 0 ? 0 : _values[value].Place;

    /// <summary>The latest place that the log has.</summary>
    public long LatestInLog(ulong inode) => Of(inode).Writes.FindLastIndex(static value => value.IsInLog) + 1;

    /// <summary>All inodes that anybody wrote to or looked at.</summary>
    public IEnumerable<ulong> Inodes => _inodes.Keys;

    private Inode Of(ulong inode) =>
        _inodes.TryGetValue(inode, out var found) ? found : _inodes[inode] = new Inode();

    private sealed class Inode
    {
        /// <summary>By place, from 1.</summary>
        public List<LeasedValue> Writes { get; } = [];

        public long Seen { get; set; }

        public void Add(LeasedValue value)
        {
            Writes.Add(value);
            value.Place = Writes.Count;
        }
    }
}
