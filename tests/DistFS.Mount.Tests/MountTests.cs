namespace DistFS.Mount.Tests;

/// <summary><c>dfs mount</c> as people use it, on one mount and on two.</summary>
[Collection("one cluster at a time")]
public sealed class MountTests : MountedCluster
{
    /// <summary>
    /// A tree is copied, compared, moved, and packed; seen through another mount; and still there after the process of
    /// the mount was killed, which leaves nothing behind that has to be unmounted.
    /// </summary>
    [Fact]
    public async Task A_tree_through_ordinary_tools_and_the_death_of_the_mount()
    {
        var one = await MountAsync(One);
        var two = await MountAsync(Two);
        await ShellAsync($"""
            mkdir -p {Folder}/tree/a/b; cd {Folder}/tree
            for i in $(seq 200); do echo "file $i" > a/f$i; done
            head -c 5000000 /dev/urandom > a/b/large; ln -s ../f1 a/b/link; ln a/f2 a/f3.hard; chmod 640 a/f4
            cp -a {Folder}/tree {One}/tree
            diff -r {Folder}/tree {One}/tree
            diff -r {Folder}/tree {Two}/tree
            [ "$(stat -c %a {Two}/tree/a/f4)" = 640 ]; [ "$(stat -c %h {Two}/tree/a/f2)" = 2 ]
            mv {Two}/tree {Two}/moved; [ ! -e {One}/tree ]
            tar -C {One} -cf - moved | tar -C {Folder} -xf -; diff -r {Folder}/tree {Folder}/moved
            sync {One}/moved/a/b/large
            """);
        await one.KillAsync();

        // The watchdog takes it away; until then its use fails at once.
        await GoneAsync(One);
        one = await MountAsync(One);
        await ShellAsync($"""
            diff -r {Folder}/tree {One}/moved; rm -r {One}/moved; [ -z "$(ls {Two})" ]
            {Dfs} umount {One}; if mountpoint -q {One}; then exit 1; fi
            """);
        await two.StopAsync();
        Assert.True(one.HasDied);
    }

    /// <summary>The suite of docs/operating/posix.md, on one mount.</summary>
    [Fact]
    public async Task It_is_a_POSIX_file_system()
    {
        var mount = await MountAsync(One);
        await ShellAsync($"mkdir {One}/posix; {Posix} {One}/posix"
            + $" --entries {(IsFull ? 100_000 : 2_000)} --operations {(IsFull ? 1_000_000 : 5_000)}");

        // Attributes that were told as they had been before a change that was on its way: one in 20,000 operations.
        await ShellAsync($"{Posix} {One}/posix --only Random.NamesAreATree --seed 3 --operations 100000");
        await mount.StopAsync();
    }

    /// <summary>
    /// The same on two mounts that see each other: what they say of each other, and random work on both.
    /// </summary>
    [Fact]
    public async Task Two_mounts_are_one_file_system()
    {
        await OnTwoMountsAsync($"mkdir {One}/posix; {Posix}"
            + $" {One}/posix {Two}/posix " + (IsFull
                ? "--entries 20000 --operations 20000"
                : "--entries 500 --operations 3000 --only TwoMount --only Random --only Lock"));
    }

    /// <summary>The suite as somebody who is not root.</summary>
    [Fact]
    public async Task Two_mounts_are_one_file_system_for_an_ordinary_user()
    {
        await OnTwoMountsAsync($"install -d -o 65534 -g 65534 {One}/user; cd /; HOME=/tmp"
            + $" setpriv --reuid=65534 --regid=65534 --clear-groups {Posix} {One}/user {Two}/user " + (IsFull
                ? "--entries 20000 --operations 20000"
                : "--entries 200 --operations 500 --only TwoMount --only Open --only Unlink --only Random"));
    }

    /// <summary>
    /// Kernels that believed an older end of a file, each in one run of two to twenty: what came behind an answer made
    /// them drop what they had just asked for, and of two reads beyond the end the further one was taken for it.
    /// </summary>
    [Fact]
    public async Task An_end_that_another_mount_moved_is_believed()
    {
        await OnTwoMountsAsync($"""
            mkdir {One}/ends
            for seed in 21 1 135 21 143 21; do
                {Posix} {One}/ends {Two}/ends --only Random.OneFile \
                    --operations 1300 --seed $seed
            done
            """);
    }

    /// <summary>What the kernel does by itself, or believes while another mount is at work.</summary>
    [Fact]
    public async Task What_the_kernel_does_not_look_at()
    {
        await OnTwoMountsAsync($"""
            # fcntl: O_APPEND is set behind the open, and the other mount appends too.
            python3 - {One}/log {Two}/log <<'P'
            import fcntl, os, sys
            a = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o666); b = os.open(sys.argv[2], os.O_RDWR)
            for f in (a, b): fcntl.fcntl(f, fcntl.F_SETFL, os.O_APPEND)
            for i in range(20):
                os.write(a, b'a' * 100); os.write(b, b'b' * 100)
                want = (b'a' * 100 + b'b' * 100) * (i + 1)
                for f in (a, b): assert os.pread(f, 10000, 0) == want, (i, f == a)
                for p in sys.argv[1:]: assert os.stat(p).st_size == len(want), (i, p)
            fcntl.fcntl(a, fcntl.F_SETFL, 0); os.pwrite(a, b'x', 0); assert os.pread(b, 2, 0) == b'xa'
            P

            # Nobody changes what runs as its owner: a write past the pages of the kernel too.
            cp /bin/true {One}/program; chmod 6777 {One}/program; [ $(stat -c %a {One}/program) = 6777 ]
            setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo more >> {One}/program'
            [ $(stat -c %a {One}/program) = 777 ]; [ $(stat -c %a {Two}/program) = 777 ]

            # The name of what something is mounted on, and in which somebody works, is forgotten by a kernel.
            mkdir -p {One}/a/below {One}/a/work; mount -t tmpfs none {One}/a/below; cd {One}/a/work
            stat {One}/a/below {One}/a/work; touch {Two}/a/new
            grep -q ' {One}/a/below ' /proc/self/mountinfo; [ "$(/bin/pwd)" = {One}/a/work ]; umount {One}/a/below
            """);
    }

    /// <summary>
    /// 'dfs umount' ends when everything is in the cluster: what happens to the machine then does no harm. If it
    /// is not, it says so. Nobody reads what the process of this mount has to say.
    /// </summary>
    [Fact]
    public async Task Unmounting_ends_when_everything_is_sent_and_fails_if_it_is_not()
    {
        var mounting = $"{Dfs} mount {One} -f --cluster {string.Join(',', Cluster.Metaservers.Addresses)}";
        await ShellAsync($"""
            {mounting} >/dev/full 2>/dev/full </dev/null & M=$!
            until mountpoint -q {One}; do kill -0 $M; sleep 0.05; done
            mkdir {One}/d; head -c 30000000 /dev/urandom > {Folder}/large; cp {Folder}/large {One}/d/large
            for i in $(seq 300); do echo $i > {One}/d/f$i; done
            {Dfs} umount {One}; kill -9 $M 2>/dev/null || true; wait $M || true
            {mounting} >{Folder}/log 2>&1 </dev/null & M=$!
            until mountpoint -q {One}; do kill -0 $M; sleep 0.05; done
            cmp {Folder}/large {One}/d/large; [ "$(ls {One}/d | wc -l)" = 301 ]; [ "$(cat {One}/d/f300)" = 300 ]
            echo $M > {Folder}/process
            """);

        // As if the machine had been turned off: the process dies while it waits for the cluster.
        var metaservers = string.Join(
            ' ', Enumerable.Range(0, Cluster.Metaservers.Count).Select(Cluster.Metaservers.ProcessId));
        try
        {
            await ShellAsync($"""
                for i in $(seq 100); do echo $i > {One}/d/g$i; done; kill -STOP {metaservers}
                {Dfs} umount {One} 2>{Folder}/said & U=$!
                while grep -q ' {One} ' /proc/self/mountinfo; do kill -0 $U; sleep 0.05; done
                kill -0 $U; kill -9 $(cat {Folder}/process)
                if wait $U; then exit 1; fi; grep DFS1572 {Folder}/said
                """);
        }
        finally
        {
            await ShellAsync($"kill -CONT {metaservers}");
        }
    }
}
