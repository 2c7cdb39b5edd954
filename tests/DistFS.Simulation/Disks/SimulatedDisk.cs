using DistFS.Metaserver.Storage;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// A disk that keeps only what was synced. Until then bytes live in a volatile cache, and names in an unsynced folder;
/// <see cref="Crash"/> decides what of them survived. Its errors are those of <see cref="DiskFaults"/>.
/// </summary>
public sealed partial class SimulatedDisk : IDisk
{
    private readonly SortedDictionary<string, SimulatedInode> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SimulatedInode> _durableNames = new(StringComparer.Ordinal);
    private readonly List<NameChange> _unsynced = [];
    private readonly Prng _prng;
    private readonly Trace? _trace;

    // Whoever holds a file of an earlier life of the machine must not write to this one.
    private int _life;
    private long _stepsToCrash = -1;
    private double _cost;

    /// <summary>An empty disk.</summary>
    public SimulatedDisk(string name, Prng prng, Trace? trace = null) => (Name, _prng, _trace) = (name, prng, trace);

    private enum Change
    {
        Create,
        Rename,
        Delete,
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>What is wrong with it.</summary>
    public DiskFaults Faults { get; } = new();

    /// <summary>Operations so far, over all lives.</summary>
    public long Operations { get; private set; }

    /// <summary>Failed operations so far.</summary>
    public long Errors { get; private set; }

    /// <summary>Whether a crash now would lose nothing.</summary>
    public bool IsClean => _unsynced.Count == 0 && _names.Values.All(inode => inode.IsClean);

    /// <inheritdoc/>
    public IReadOnlyList<string> List()
    {
        Step('l', Name, 0);
        return [.. _names.Keys];
    }

    /// <inheritdoc/>
    public IDiskFile Open(string name)
    {
        Step('o', name, 0);
        return _names.TryGetValue(name, out var inode)
            ? new File(this, inode, name)
            : throw new FileNotFoundException("There is no such file.", name);
    }

    /// <inheritdoc/>
    public IDiskFile Create(string name)
    {
        Step('c', name, 0);
        RefuseIfFull(name);
        var inode = new SimulatedInode();
        _names[name] = inode;
        _unsynced.Add(new NameChange(Change.Create, name, name, inode));
        return new File(this, inode, name);
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        Step('m', to, from.Length);
        if (!_names.Remove(from, out var inode))
        {
            throw new FileNotFoundException("There is no such file.", from);
        }

        _names[to] = inode;
        _unsynced.Add(new NameChange(Change.Rename, from, to, inode));
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        Step('d', name, 0);
        if (_names.Remove(name, out var inode))
        {
            _unsynced.Add(new NameChange(Change.Delete, name, name, inode));
        }
    }

    /// <inheritdoc/>
    public void SyncFolder()
    {
        Step('f', Name, _unsynced.Count);
        Spend(DiskFaults.Exponential(_prng, Faults.SyncMicroseconds));
        if (Faults.SyncError > 0 && _prng.Chance(Faults.SyncError))
        {
            // Names are in a journal, which is not called clean when it could not be written: they stay unsynced.
            throw Error($"Input/output error: cannot sync {Name}");
        }

        foreach (var change in _unsynced)
        {
            Settle(change);
        }

        _unsynced.Clear();
    }

    /// <inheritdoc/>
    public bool DiskFull(IOException error) => error is SimulatedDiskFullException;

    /// <summary>The virtual microseconds that the operations since the last call take.</summary>
    public long TakeCost()
    {
        var cost = Faults.Slowed(_cost);
        _cost = 0;
        return cost;
    }

    /// <summary>The power fails at that operation from now on (0 is the next one), half-way through it.</summary>
    public void CrashAtOperation(long steps) => _stepsToCrash = steps;

    /// <summary>The power did not fail in time.</summary>
    public void CancelCrash() => _stepsToCrash = -1;

    /// <summary>
    /// The power fails: bytes and names that were not synced are there, gone or in pieces; all open files are dead.
    /// </summary>
    public void Crash()
    {
        NewLife();
        foreach (var change in _unsynced)
        {
            if (_prng.Chance(0.5))
            {
                Settle(change);
            }
        }

        _unsynced.Clear();
        foreach (var inode in _durableNames.Values)
        {
            inode.Crash(_prng);
        }

        ShowDurable();
    }

    /// <summary>The process dies but the machine lives: nothing is lost, all open files are dead.</summary>
    public void KillProcess() => NewLife();

    /// <summary>A disk that holds what this one would after a crash in which nothing unsynced arrived.</summary>
    public SimulatedDisk CloneDurable()
    {
        var clone = new SimulatedDisk(Name + " (audit)", new Prng(0));
        foreach (var (name, inode) in _durableNames)
        {
            clone._durableNames[name] = inode.CloneDurable();
        }

        clone.ShowDurable();
        return clone;
    }

    /// <summary>Flips a bit at rest in some file; null if there is none to flip.</summary>
    /// <param name="spareNewest">Of which files the bytes of the last sync stay as they are: in a log they look like a
    /// torn write, until something later testifies that they were synced.</param>
    public string? Rot(Func<string, bool> spareNewest)
    {
        var names = _durableNames.Keys.Where(_names.ContainsKey).ToArray();
        if (names.Length == 0)
        {
            return null;
        }

        var name = names[_prng.NextInt32(names.Length)];
        return _durableNames[name].Rot(_prng, spareNewest(name)) ? name : null;
    }

    private void Settle(NameChange change)
    {
        switch (change.Kind)
        {
            case Change.Create:
                _durableNames[change.To] = change.Inode;
                break;
            case Change.Rename:
                if (_durableNames.TryGetValue(change.From, out var at) && ReferenceEquals(at, change.Inode))
                {
                    _durableNames.Remove(change.From);
                }

                _durableNames[change.To] = change.Inode;
                break;
            default:
                if (_durableNames.TryGetValue(change.To, out var old) && ReferenceEquals(old, change.Inode))
                {
                    _durableNames.Remove(change.To);
                }

                break;
        }
    }

    private void ShowDurable()
    {
        _names.Clear();
        foreach (var (name, inode) in _durableNames)
        {
            _names[name] = inode;
        }
    }

    private void NewLife()
    {
        _life++;
        _stepsToCrash = -1;
        _cost = 0;
    }

    private bool Step(char kind, string name, long argument, long offset = 0)
    {
        Operations++;
        _trace?.Disk(Name, kind, name, argument, offset);
        Spend(kind is 'w' ? 5 + (argument / 400.0) : 1);
        if (_stepsToCrash == 0 && kind != 'w')
        {
            throw new SimulatedCrashException();
        }

        if (_stepsToCrash >= 0)
        {
            return _stepsToCrash-- == 0;
        }

        return false;
    }

    private void Spend(double microseconds) => _cost += microseconds;

    private void RefuseIfFull(string name)
    {
        if (Faults.IsFull)
        {
            Errors++;
            throw new SimulatedDiskFullException(name);
        }
    }

    private IOException Error(string text)
    {
        Errors++;
        return new IOException(text);
    }

    private readonly record struct NameChange(Change Kind, string From, string To, SimulatedInode Inode);
}
