"""Serves one vector library to the comparison in bench/compare.

python peers.py hnswlib | usearch-f32 | usearch-bf16 | usearch-i8 |
                faiss-hnsw | faiss-sq8 | faiss-ivf   [--m 16] [--efc 200]

A request a line on standard input, a reply a line on standard output, as
bench/peer describes them. Vectors are of unit length, so that inner product,
cosine and L2 order them alike; each library runs with the metric that is its
fastest. Throughput is measured with many queries a call, which spares the
libraries the cost of Python; percentiles are of single calls.
"""

import argparse
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

CHUNK = 250  # queries between two looks at the time limit


class Hnswlib:
    def __init__(self, m, efc):
        import hnswlib

        self.lib, self.m, self.efc = hnswlib, m, efc

    def version(self):
        from importlib.metadata import version

        return "hnswlib " + version("hnswlib")

    def build(self, base, threads):
        self.n, self.dim = base.shape
        self.index = self.lib.Index(space="ip", dim=self.dim)
        self.index.init_index(max_elements=self.n, M=self.m, ef_construction=self.efc, random_seed=1)
        self.index.add_items(base, num_threads=threads)

    def save(self, path):
        self.index.save_index(path)

    def load(self, path):
        self.index = self.lib.Index(space="ip", dim=self.dim)
        self.index.load_index(path, max_elements=self.n)

    def search(self, q, k, ef, threads, variant):
        self.index.set_ef(ef)
        return self.index.knn_query(q, k=k, num_threads=threads)[0]


class Usearch:
    def __init__(self, m, efc, dtype):
        from usearch.index import Index, MetricKind

        # i8 codes are made for the cosine; the other two skip its division.
        self.metric = MetricKind.Cos if dtype == "i8" else MetricKind.IP
        self.make, self.m, self.efc, self.dtype = Index, m, efc, dtype

    def version(self):
        from importlib.metadata import version

        return "usearch " + version("usearch")

    def new(self):
        return self.make(
            ndim=self.dim, metric=self.metric, dtype=self.dtype, connectivity=self.m, expansion_add=self.efc
        )

    def build(self, base, threads):
        self.dim = base.shape[1]
        self.index = self.new()
        self.index.add(np.arange(len(base), dtype=np.uint64), base, threads=threads)

    def save(self, path):
        self.index.save(path)

    def load(self, path):
        self.index = self.new()
        self.index.load(path)

    def search(self, q, k, ef, threads, variant):
        self.index.expansion_search = ef
        return np.atleast_2d(self.index.search(q, k, threads=threads).keys)


class Faiss:
    def __init__(self, m, efc, kind):
        import faiss

        self.lib, self.m, self.efc, self.kind = faiss, m, efc, kind

    def version(self):
        return "faiss " + self.lib.__version__

    def build(self, base, threads):
        faiss, (n, dim) = self.lib, base.shape
        faiss.omp_set_num_threads(threads)
        if self.kind == "ivf":
            lists = max(1, min(int(4 * n**0.5), n // 39))
            self.index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, lists, faiss.METRIC_INNER_PRODUCT)
            self.index.own_fields = False
            self.keep = self.index.quantizer
            self.index.train(base)
            self.index.add(base)
            return
        if self.kind == "sq8":
            self.index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_8bit, self.m)
            self.index.train(base)
        else:
            self.index = faiss.IndexHNSWFlat(dim, self.m)
        self.index.hnsw.efConstruction = self.efc
        self.index.add(base)

    def prepare(self, base):
        """Lays exact vectors beside the codes, for the variant with refinement."""
        if self.kind == "sq8":
            self.flat = self.lib.IndexFlat(base.shape[1])
            self.flat.add(base)
            self.refined = self.lib.IndexRefine(self.index, self.flat)
            self.refined.k_factor = 4

    def save(self, path):
        self.lib.write_index(self.index, path)

    def load(self, path):
        self.index = self.lib.read_index(path)

    def search(self, q, k, ef, threads, variant):
        self.lib.omp_set_num_threads(threads)
        if self.kind == "ivf":
            self.index.nprobe = ef
            return self.index.search(q, k)[1]
        self.index.hnsw.efSearch = ef
        index = self.refined if variant == "refine" else self.index
        return index.search(q, k)[1]


LIBRARIES = {
    "hnswlib": Hnswlib,
    "usearch-f32": lambda m, efc: Usearch(m, efc, "f32"),
    "usearch-bf16": lambda m, efc: Usearch(m, efc, "bf16"),
    "usearch-i8": lambda m, efc: Usearch(m, efc, "i8"),
    "faiss-hnsw": lambda m, efc: Faiss(m, efc, "flat"),
    "faiss-sq8": lambda m, efc: Faiss(m, efc, "sq8"),
    "faiss-ivf": lambda m, efc: Faiss(m, efc, "ivf"),
}


def memory(name):
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1]) << 10
    return 0


def forget(path):
    """Drops a file that is on disk from the system's cache."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def build(lib, r):
    base = np.ascontiguousarray(np.load(r["base"]))
    threads = max(1, r.get("threads", 0))
    os.makedirs(r["dir"], exist_ok=True)
    path, meta = os.path.join(r["dir"], "index"), os.path.join(r["dir"], "build.json")
    lib.dim, lib.n = base.shape[1], len(base)
    if os.path.exists(meta):  # written last: the index is whole
        with open(meta) as f:
            out = json.load(f)
        lib.load(path)
    else:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
        before, began, cpu = memory("VmRSS"), time.perf_counter(), time.process_time()
        lib.build(base, threads)
        out = {"build_s": time.perf_counter() - began, "build_cpu_s": time.process_time() - cpu}
        out["bytes_per_vector"] = (memory("VmRSS") - before) / len(base)
        out["peak_bytes_per_vector"] = (memory("VmHWM") - before) / len(base)
        lib.save(path)
        for key in ("open_cold_s", "open_s"):
            if key == "open_cold_s":
                forget(path)
            began = time.perf_counter()
            lib.load(path)
            lib.search(base[:1], 10, 40, 1, "")
            out[key] = time.perf_counter() - began
        with open(meta, "w") as f:
            json.dump(out, f)
    if hasattr(lib, "prepare"):
        lib.prepare(base)
    return out


def search(lib, r, kept={}):
    q = kept.get(r["queries"])
    if q is None:
        q = kept[r["queries"]] = np.ascontiguousarray(np.load(r["queries"]))
    k, ef, threads, variant = r["k"], r["ef"], max(1, r.get("threads", 0)), r.get("variant", "")
    least, most = r.get("min_s", 0), r.get("max_s", 0)
    done, answers = 0, []
    cpu, began = time.process_time(), time.perf_counter()
    passed = 0.0
    while done < len(q) or passed < least:
        at = done % len(q)
        got = lib.search(q[at : at + CHUNK], k, ef, threads, variant)
        if done < len(q):
            answers.append(got)
        done += len(got)
        passed = time.perf_counter() - began
        if most and passed >= most:
            break
    out = {"done": done, "wall_s": passed, "cpu_s": time.process_time() - cpu}
    single, began = [], time.perf_counter()
    for i in range(len(q)):
        start = time.perf_counter()
        lib.search(q[i : i + 1], k, ef, 1, variant)
        end = time.perf_counter()
        single.append((end - start) * 1e6)
        if most and end - began >= most:
            break
    single.sort()
    for name, p in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
        out[name] = single[max(0, int(np.ceil(p * len(single))) - 1)]
    if r.get("ids"):
        ids = np.concatenate(answers)[: len(q)].astype(np.int64)
        out["ids"] = [[int(x) for x in row if 0 <= x < 1 << 32] for row in ids]
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("library", choices=sorted(LIBRARIES))
    p.add_argument("--m", type=int, default=16)
    p.add_argument("--efc", type=int, default=200)
    a = p.parse_args()
    lib = LIBRARIES[a.library](a.m, a.efc)
    # Replies have standard output for themselves.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            r = json.loads(line)
            reply = {"build": build, "search": search}[r["op"]](lib, r)
        except Exception as e:  # the comparison goes on without this library
            os.write(2, f"{a.library}: {e!r}\n".encode())
            reply = {"error": f"{type(e).__name__}: {e}"}
        reply["version"] = lib.version()
        out.write(json.dumps(reply) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
