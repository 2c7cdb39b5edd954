using DistFS.Metaserver.Storage;

namespace DistFS.Simulation;

public sealed partial class SimulatedDisk
{
    private sealed class File(SimulatedDisk disk, SimulatedInode inode, string name) : IDiskFile
    {
        private readonly int _life = disk._life;
        private bool _closed;

        public long Length
        {
            get
            {
                CheckOpen();
                return inode.Length;
            }
        }

        public int Read(long offset, Span<byte> destination)
        {
            CheckOpen();
            disk.Step('r', name, destination.Length);
            if (disk.Faults.ReadError > 0 && disk._prng.Chance(disk.Faults.ReadError))
            {
                throw disk.Error($"Input/output error: cannot read {name}");
            }

            return inode.Read(offset, destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            CheckOpen();
            var crashes = disk.Step('w', name, source.Length, offset);
            var fails = disk.Faults.ShortWrite > 0 && disk._prng.Chance(disk.Faults.ShortWrite);
            var full = disk.Faults.IsFull && offset + source.Length > inode.Length;
            if (crashes || fails || full)
            {
                inode.Write(offset, source[..disk._prng.NextInt32(source.Length + 1)]);
                throw crashes ? new SimulatedCrashException()
                    : full ? new SimulatedDiskFullException(name)
                    : disk.Error($"Input/output error: cannot write {name}");
            }

            inode.Write(offset, source);
        }

        public void Preallocate(long length)
        {
            CheckOpen();
            disk.Step('p', name, length);
            disk.RefuseIfFull(name);
            inode.Preallocate(length);
        }

        public void Truncate(long length)
        {
            CheckOpen();
            disk.Step('t', name, length);
            inode.Truncate(length);
        }

        public void Sync()
        {
            CheckOpen();
            disk.Step('s', name, inode.Length);
            disk.Spend(DiskFaults.Exponential(disk._prng, disk.Faults.SyncMicroseconds));
            if (disk.Faults.SyncError > 0 && disk._prng.Chance(disk.Faults.SyncError))
            {
                inode.FailSync(disk._prng);
                throw disk.Error($"Input/output error: cannot sync {name}");
            }

            inode.Sync();
        }

        public void Dispose() => _closed = true;

        private void CheckOpen()
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_life != disk._life)
            {
                throw new SimulatedCrashException();
            }
        }
    }
}
