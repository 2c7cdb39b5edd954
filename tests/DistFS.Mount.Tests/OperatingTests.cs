namespace DistFS.Mount.Tests;

/// <summary>What whoever runs a mount has: mount(8), how it is doing, and why it answered with an error.</summary>
public sealed class OperatingTests : MountedCluster
{
    private static readonly string Helpers = Path.Combine(
        AppContext.BaseDirectory, "../../../../docs/operating/systemd");

    private static readonly string Helper = Path.Combine(Helpers, "mount.fuse.distfs");

    private string Addresses => string.Join(',', Cluster.Metaservers.Addresses);

    [Fact]
    public async Task It_is_mounted_by_mount_and_says_what_it_does_and_why_it_could_not()
    {
        var metaservers = string.Join(
            ' ', Enumerable.Range(0, Cluster.Metaservers.Count).Select(Cluster.Metaservers.ProcessId));
        try
        {
            await ShellAsync($"""
                export PATH={Path.GetDirectoryName(Dfs)}:$PATH
                if {Helper} {Addresses} {One} -o rw,bogus=1 2>{Folder}/said; then exit 1; fi
                grep -q bogus {Folder}/said
                if {Dfs} mount --stats {One} 2>{Folder}/said; then exit 1; fi
                grep -q 'no cluster is mounted' {Folder}/said
                {Helper} {Addresses} {One} -n -o rw,noatime,_netdev,durability=sync,mem=64MiB,x-systemd.automount
                if {Dfs} mount {One}/ --cluster {Addresses} 2>{Folder}/said; then exit 1; fi
                grep -q 'is mounted there already' {Folder}/said
                echo 'dfs: DFS0000: of an earlier run' > {Folder}/log
                if {Dfs} mount {Folder}/none --cluster {Addresses} --log {Folder}/log 2>{Folder}/said; then exit 1; fi
                grep -q 'cannot be used: ENOENT' {Folder}/said
                mkdir {One}/d; echo content > {One}/d/f; [ "$(cat {One}/d/f)" = content ]
                {Dfs} mount --stats {One} > {Folder}/table; grep -q '^create ' {Folder}/table
                {Dfs} mount --stats {One} --json > {Folder}/stats
                python3 - {Folder}/stats <<'P'
                import json, sys
                told = json.load(open(sys.argv[1])); asked = dict((o['name'], o) for o in told['operations'])
                assert told['durability'] == 'sync' and told['heard'] and not told['failures'], told
                assert asked['write']['count'] == 1 and asked['write']['bytes'] == 8, asked
                assert asked['mkdir']['count'] == 1 and asked['mkdir']['failed'] == 0, asked
                P
                {Dfs} why {One}/d/f > {Folder}/why; grep -q 'all that it was asked' {Folder}/why
                kill -STOP {metaservers}
                python3 - {One}/d/new <<'P'
                import errno, os, sys
                try: f = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY); os.write(f, b'x'); os.fsync(f)
                except OSError as e: assert e.errno == errno.EIO, e
                else: raise SystemExit('nobody leads, and it was made durable')
                P
                {Dfs} why {One}/d/new > {Folder}/why
                grep -q 'no metaserver that leads is heard' {Folder}/why; grep -q 'DFS1' {Folder}/why
                {Dfs} why {One} --json > {Folder}/json
                python3 -c 'import json, sys; assert json.load(open(sys.argv[1]))["failures"]' {Folder}/json
                """);
        }
        finally
        {
            await ShellAsync($"kill -CONT {metaservers}");
        }

        // It goes on by itself.
        await ShellAsync($"""
            for i in $(seq 300); do if echo more > {One}/d/f; then break; fi; sleep 0.1; done
            [ "$(cat {One}/d/f)" = more ]
            for i in $(seq 100); do
                {Dfs} why {One} > {Folder}/why
                if grep -q 'are heard' {Folder}/why; then break; fi
                sleep 0.1
            done
            cat {Folder}/why; grep -q 'are heard' {Folder}/why
            {Dfs} umount {One}
            """);
    }

    /// <summary>
    /// The mount table has fstab's own source, so that 'mount -a' leaves it alone; and a mount that was made by a
    /// symbolic link is found by it and by the directory.
    /// </summary>
    [Fact]
    public async Task It_is_unmounted_by_umount_when_all_is_sent_whatever_its_directory_is_called()
    {
        await ShellAsync($"""
            export PATH={Path.GetDirectoryName(Dfs)}:$PATH
            mkdir {Folder}/real; ln -s {Folder}/real {Folder}/link
            ln -s ../one {Folder}/real/dir; ln -s loop {Folder}/loop
            {Helper} {Addresses} {Folder}/link/dir -o rw
            grep -q ' {One} .* - fuse.distfs {Addresses} ' /proc/self/mountinfo
            {Dfs} mount --stats {Folder}/link/dir > {Folder}/table; grep -q '^OPERATION' {Folder}/table
            {Dfs} why {Folder}/link/dir/some/file > {Folder}/why; grep -q 'are heard' {Folder}/why
            head -c 20000000 /dev/urandom > {Folder}/content; cp {Folder}/content {Folder}/link/dir/file
            {Helpers}/umount.fuse.distfs {Folder}/link/dir -n
            if grep -q ' {One} ' /proc/self/mountinfo; then exit 1; fi
            {Dfs} cat /file --cluster {Addresses} | cmp - {Folder}/content
            if {Dfs} umount {Folder}/link/dir 2> {Folder}/said; then exit 1; fi
            grep -q '{One}: no cluster is mounted' {Folder}/said
            if {Dfs} umount {Folder}/loop 2> {Folder}/said; then exit 1; fi
            grep -q 'loop: no cluster is mounted' {Folder}/said
            {Helper} {Addresses} {One}
            {Helpers}/umount.fuse.distfs {Folder}/link/dir -l
            if grep -q ' {One} ' /proc/self/mountinfo; then exit 1; fi
            """);
    }
}
