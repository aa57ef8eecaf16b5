# The operator with its locked dependencies, the interpreter and the libraries that these load, and nothing else:
# make image, or docker build -t productionpolicy:0.1.0 .

# Python 3.13 on Debian 13, for amd64 and arm64. `docker buildx imagetools inspect python:3.13-slim` shows the newest.
# Any other base needs Python 3.11 or newer with venv, glibc, and CA certificates.
ARG BASE=docker.io/library/python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS build
# The same source gives the same image. The value is the time of all its files, in seconds since 1970.
ARG SOURCE_DATE_EPOCH=0
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/productionpolicy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /source
# The secret is optional. It contains the certificates of the authorities to trust during the build.
COPY tools/image/locked.py uv.lock ./
RUN --mount=type=secret,id=certificates \
    certificates=/run/secrets/certificates; \
    if [ -s $certificates ]; then export PIP_CERT=$certificates; fi; \
    python3 locked.py uv.lock > uv.txt && \
    python3 -m venv /uv && \
    /uv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --only-binary :all: --requirement uv.txt
# Dependencies first: they change less often than the code, so this layer stays cached.
COPY pyproject.toml ./
RUN --mount=type=secret,id=certificates \
    certificates=/run/secrets/certificates; \
    if [ -s $certificates ]; then export SSL_CERT_FILE=$certificates; fi; \
    /uv/bin/uv sync --quiet --frozen --no-dev --no-install-project --no-build
COPY LICENSE README.md ./
COPY operator operator
RUN /uv/bin/uv sync --quiet --frozen --no-dev --no-editable --offline
COPY tools/image/assemble.py ./
# The last command fails if a library is missing that the operator loads.
RUN python3 assemble.py /opt/productionpolicy /image && \
    chroot --userspec=65532:65532 /image /opt/productionpolicy/bin/productionpolicy run --help > /dev/null

FROM scratch
ARG BASE
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="productionpolicy" \
      org.opencontainers.image.description="Keeps Kubernetes workloads production-ready" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /image /
# The user below has no entry in /etc/passwd, so set HOME and USER: the Kubernetes client and Kopf need them.
ENV HOME=/opt/productionpolicy \
    PATH=/opt/productionpolicy/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    USER=productionpolicy
# A number, so that Kubernetes can verify that it is not root.
USER 65532:65532
ENTRYPOINT ["productionpolicy"]
CMD ["run"]
