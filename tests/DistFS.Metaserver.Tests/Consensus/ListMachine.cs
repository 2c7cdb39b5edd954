using System.Text;
using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>The list of all commands, as text; the reply is the length of the list. It may be one that has its state
/// at the start.</summary>
internal sealed class ListMachine(ulong applied = 0) : IReplicatedStateMachine
{
    private readonly Lock _gate = new();
    private readonly List<string> _items = [];
    private ulong _applied = applied;
    private int _openViews;

    public LogIndex AppliedIndex => new(Volatile.Read(ref _applied));

    public int Restored { get; private set; }

    /// <summary>Views that nobody has disposed of.</summary>
    public int OpenViews => Volatile.Read(ref _openViews);

    /// <summary>Before an entry is applied.</summary>
    public Action? BeforeApply { get; set; }

    /// <summary>Before a view is written.</summary>
    public Action? BeforeWrite { get; set; }

    public string[] Items
    {
        get
        {
            lock (_gate)
            {
                return [.. _items];
            }
        }
    }

    public ReadOnlyMemory<byte> Apply(RaftEntry entry)
    {
        BeforeApply?.Invoke();
        lock (_gate)
        {
            if (entry.Kind == EntryKind.Command)
            {
                _items.Add(Encoding.UTF8.GetString(entry.Data.Span));
            }

            Volatile.Write(ref _applied, entry.Index.Value);
            return BitConverter.GetBytes(_items.Count);
        }
    }

    public void Publish()
    {
        // It is in memory, and read where it is.
    }

    public ISnapshotSource BeginSnapshot()
    {
        Interlocked.Increment(ref _openViews);
        return new View(this, Items);
    }

    public void Restore(Stream snapshot, SnapshotMeta meta)
    {
        using var reader = new StreamReader(snapshot, leaveOpen: true);
        lock (_gate)
        {
            _items.Clear();
            while (reader.ReadLine() is { } line)
            {
                _items.Add(line);
            }

            Restored++;
            Volatile.Write(ref _applied, meta.Last.Index.Value);
        }
    }

    private sealed class View(ListMachine owner, string[] items) : ISnapshotSource
    {
        public void WriteTo(Stream destination)
        {
            owner.BeforeWrite?.Invoke();
            using var writer = new StreamWriter(destination, leaveOpen: true);
            foreach (var item in items)
            {
                writer.Write(item + "\n");
            }
        }

        public void Dispose() => Interlocked.Decrement(ref owner._openViews);
    }
}
