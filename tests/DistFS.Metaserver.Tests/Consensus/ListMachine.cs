using System.Text;
using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>The list of all commands, as text; the reply is the length of the list.</summary>
internal sealed class ListMachine : IReplicatedStateMachine
{
    private readonly Lock _gate = new();
    private readonly List<string> _items = [];
    private ulong _applied;

    public LogIndex AppliedIndex => new(Volatile.Read(ref _applied));

    public int Restored { get; private set; }

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

    public ISnapshotSource BeginSnapshot() => new View(Items);

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

    private sealed class View(string[] items) : ISnapshotSource
    {
        public void WriteTo(Stream destination)
        {
            using var writer = new StreamWriter(destination, leaveOpen: true);
            foreach (var item in items)
            {
                writer.Write(item + "\n");
            }
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
